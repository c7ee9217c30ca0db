"""Features of speech against independent ones: scipy, loops, and the reference network itself."""

import csv
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.shared import features

ARCHIVE = Path("speech_commands_v2_testset_dev.tar")
REFERENCE = Path("mlperf_tiny_kws_reference", "kws_ref_model_float32.tflite")
# In the order of the reference network's outputs.
WORDS = ["down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes"]
LABELS = [*WORDS, "_silence_", "_unknown_"]


def clips(number: int, *, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.1, (number, 16_000)))


@given(
    time=st.integers(1, 40),
    window=st.integers(1, 12),
    hop=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_frames_are_those_of_a_loop(time, window, hop, seed):
    samples = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, time)))
    if time < window:
        with pytest.raises(ValueError, match=f"{time} samples"):
            features.frames(samples, window=window, hop=hop)
        return
    want = [samples[:, i : i + window] for i in range(0, time - window + 1, hop)]
    assert torch.equal(features.frames(samples, window=window, hop=hop), torch.stack(want, 1))


def test_one_second_gives_49_frames():
    assert features.frames(clips(1)).shape == (1, 49, 640)


def test_windowed_spectrum_keeps_the_energy():
    """Parseval: the two-sided spectrum holds FFT length times the energy of the frame."""
    frame = features.frames(clips(1))[0, 0] * torch.hann_window(640, dtype=torch.float64)
    spectrum = torch.fft.rfft(frame, n=1024).abs() ** 2
    two_sided = 2 * spectrum.sum() - spectrum[0] - spectrum[-1]
    # float64: 1024 sums of terms of one size, each rounded to 2^-53.
    assert float(two_sided) == pytest.approx(1024 * float((frame**2).sum()), rel=1e-12)


def test_mel_triangles_against_their_definition():
    matrix = features.mel_matrix().numpy()

    def mel(f):
        return 1127 * np.log(1 + f / 700)

    edges = np.linspace(mel(20.0), mel(4000.0), 42)
    for b in (0, 7, 39):
        for k in range(1, 513):
            at = mel(k * 8000 / 512)
            want = np.interp(at, edges[b : b + 3], [0.0, 1.0, 0.0], left=0.0, right=0.0)
            assert matrix[k, b] == pytest.approx(want, abs=1e-9)
    assert matrix[0].sum() == 0


def test_triangles_of_neighbours_add_up_to_one_between_their_centers():
    matrix = features.mel_matrix(20, bins=4097).numpy()
    mel = 1127 * np.log(1 + np.linspace(0, 8000, 4097) / 700)
    edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 4000 / 700), 22)
    inside = (mel >= edges[1]) & (mel <= edges[-2])
    np.testing.assert_allclose(matrix[inside].sum(1), 1.0, atol=1e-9)


@settings(deadline=None)
@given(bands=st.integers(1, 64), seed=st.integers(0, 99))
def test_cosine_transform_is_scipys(bands, seed):
    x = np.random.default_rng(seed).normal(size=bands)
    want = scipy.fft.dct(x, type=2) / np.sqrt(2 * bands)
    got = x @ features.dct_matrix(bands, coefficients=bands).numpy()
    np.testing.assert_allclose(got, want, atol=1e-12 * bands)


def oracle(samples: np.ndarray) -> np.ndarray:
    """The recipe written out in float64 with scipy, one frame after the other."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(640) / 640)
    hz = np.linspace(0, 8000, 513)
    edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 4000 / 700), 42)
    at = 1127 * np.log(1 + hz / 700)
    triangles = [np.interp(at, edges[b : b + 3], [0.0, 1.0, 0.0], 0.0, 0.0) for b in range(40)]
    rows = []
    for start in range(0, len(samples) - 639, 320):
        spectrum = np.abs(scipy.fft.rfft(samples[start : start + 640] * window, n=1024))
        bands = [float((spectrum[1:] * triangle[1:]).sum()) for triangle in triangles]
        rows.append(scipy.fft.dct(np.log(np.array(bands) + 1e-6), type=2)[:10] / np.sqrt(80))
    return np.array(rows)


def test_mfccs_against_scipy():
    samples = clips(3)
    got = features.Mfcc().double()(samples).numpy()
    want = np.array([oracle(clip) for clip in samples.numpy()])
    # The constants are rounded to float32 (2^-24 each, window and triangle), which moves a
    # log-mel band by about 2^-22, and a coefficient by at most 40 * 2 / sqrt(80) times that.
    np.testing.assert_allclose(got, want, atol=2**-22 * 80 / np.sqrt(80))


def test_clips_do_not_see_each_other_and_silence_is_flat():
    mfcc = features.Mfcc()
    samples = clips(2).float()
    # float32 sums may be taken in another order for another batch.
    alone = torch.cat([mfcc(samples[:1]), mfcc(samples[1:])])
    np.testing.assert_allclose(mfcc(samples), alone, atol=1e-4)
    silence = mfcc(torch.zeros(1, 16_000))[0, 0]
    # log(1e-6) in every band: only the constant coefficient, 40 * 2 / sqrt(80) times it, is left.
    assert float(silence[0]) == pytest.approx(np.log(1e-6) * 80 / np.sqrt(80), rel=1e-6)
    assert silence[1:].abs().max() < 1e-4


def test_a_tone_lights_the_band_that_holds_it():
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)[None]
    bands = features.Mfcc().log_mel(tone)[0].mean(0)
    assert int(bands.argmax()) == int(features.mel_matrix()[64].argmax())  # bin 64 is 1,000 Hz


def test_constants_travel_but_are_not_saved_and_odd_numbers_are_named():
    mfcc = features.Mfcc(coefficients=13)
    assert mfcc.state_dict() == {}
    assert list(mfcc.parameters()) == []
    assert mfcc.double().dct.dtype == torch.float64
    with pytest.raises(ValueError, match="41 coefficients of 40 bands"):
        features.Mfcc(coefficients=41)


def speech(folder: Path) -> tuple[torch.Tensor, list[str]]:
    """Every clip of the archive, one second each, and its label."""
    import soundfile

    samples, labels = [], []
    with tarfile.open(folder / ARCHIVE) as tar:
        manifest = csv.DictReader(io.StringIO(tar.extractfile("manifest.csv").read().decode()))
        for row in manifest:
            pcm, _ = soundfile.read(
                io.BytesIO(tar.extractfile(row["file"]).read()), dtype="float32"
            )
            samples.append(np.pad(pcm[:16_000], (0, max(0, 16_000 - len(pcm)))))
            labels.append(row["label"])
    return torch.from_numpy(np.stack(samples)), labels


def test_the_reference_network_recognises_speech_through_these_features():
    """MLPerf Tiny's network scores 0.909 on these 3,927 clips; wrong features would ruin it."""
    folder = Path(os.environ.get("COURSE_DATA", "."))
    if not ((folder / ARCHIVE).exists() and (folder / REFERENCE).exists()):
        pytest.skip(f"needs real speech: COURSE_DATA with {ARCHIVE} and {REFERENCE}")
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs the extra dev")
    samples, labels = speech(folder)
    mfcc = features.Mfcc()
    inputs = torch.cat([mfcc(features.peak_normalized(part)) for part in samples.split(500)])
    network = litert.Interpreter(str(folder / REFERENCE), num_threads=1)
    place, scores = (
        network.get_input_details()[0]["index"],
        network.get_output_details()[0]["index"],
    )
    network.resize_tensor_input(place, [1, 49, 10, 1])
    network.allocate_tensors()
    right = 0
    for clip, label in zip(inputs.numpy(), labels, strict=True):
        network.set_tensor(place, clip[None, :, :, None])
        network.invoke()
        right += LABELS[int(network.get_tensor(scores)[0].argmax())] == label
    assert len(labels) == 3927
    assert right / len(labels) == pytest.approx(0.909, abs=0.002)
