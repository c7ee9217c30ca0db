"""Open checks of exercise 1.2: frames, log-mel bands, MFCCs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.mcu_compression import speech_pictures
from labs.shared.features import mel_matrix

# Transforms in float32 err by about 1e-6 of the largest magnitude; the bands compared are no
# smaller than a thousandth of it, so their logarithms err by at most 1e-3 absolute.
LOG_ERROR = 1e-3
FLOOR = 1e-6


def as_matrix(answer: Any, shape: tuple[int, int], *, what: str) -> NDArray[np.float64]:
    """Return an answer as an array, if it has the shape asked for."""
    array = np.asarray(answer, dtype=np.float64)
    assert array.shape == shape, f"{what} has the shape {shape}, you have {array.shape}"
    return array


def assert_near(got: NDArray[np.float64], want: NDArray[np.float64], *, what: str) -> None:
    """Assert that no logarithm is off by more than rounding allows."""
    worst = np.abs(got - want)
    assert bool((worst <= LOG_ERROR).all()), (
        f"{what}: expected {want.flat[worst.argmax()]:.4f}, you have {got.flat[worst.argmax()]:.4f}"
    )


@check("1.2", sentence="Frame i holds the `window` samples that begin at sample i * hop.")
def frames_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Cut the seven samples 0, 1, ..., 6 into frames of 4, every 2, and of 2, every 3."""
    samples = np.arange(7, dtype=np.float32)
    cases = [(4, 2, [[0, 1, 2, 3], [2, 3, 4, 5]]), (2, 3, [[0, 1], [3, 4]])]
    answers = [np.asarray(student.frame(samples, window, hop)) for window, hop, _ in cases]
    rows = []
    for (window, hop, by_hand), got in zip(cases, answers, strict=True):
        name = f"samples 0 to 6, window {window}, hop {hop}"
        rows.append({"frames of": name, "by hand": by_hand, "yours": got.tolist()})
    evidence.table(rows)
    for (window, hop, by_hand), got in zip(cases, answers, strict=True):
        shape = (len(by_hand), window)
        assert got.shape == shape, (
            f"7 samples with window {window} and hop {hop} make {len(by_hand)} whole frames, one a "
            f"row, and what is left at the end fills none: shape {shape}, you have {got.shape}"
        )
        assert_equal(got, by_hand, what=f"frames of 0 to 6, window {window}, hop {hop}")


@check(
    "1.2",
    sentence="The spectrum is the magnitude of the Fourier transform of the tapered frame.",
)
def a_sine_in_one_bin(student: Student, rng: np.random.Generator) -> None:
    """Send two waves in 8 samples, then half as loud; each bin is a band of its own."""
    wave = np.sin(2 * np.pi * 2 * np.arange(8) / 8)
    taper = np.array([1.0, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    answer = student.log_mel(np.stack([wave, wave / 2]), np.ones(8), np.eye(5))
    got = np.exp(as_matrix(answer, (2, 5), what="log_mel of 2 frames and 5 bands")) - FLOOR
    by_hand = np.array([[0.0, 0, 4, 0, 0], [0, 0, 2, 0, 0]])
    rows = [
        {"bin": i, "by hand": float(by_hand[0, i]), "yours": float(got[0, i].round(4))}
        for i in range(5)
    ]
    evidence.table(rows)
    worst = np.abs(got - by_hand).max()
    assert worst < 1e-3, f"a sine of two waves in 8 samples has magnitude 4 in bin 2: {got[0]}"
    tapered = np.asarray(student.log_mel(wave[None] / taper, taper, np.eye(5)))
    assert_equal(np.exp(tapered[0, 2]), 4, what="a frame times its taper", relative=1e-3)


@check("1.2", sentence="The frame is filled up with zeros at its end to 2 * (bins - 1) samples.")
def a_short_frame_is_padded(student: Student, rng: np.random.Generator) -> None:
    """Send 6 samples with 5 bins, so 8 samples: bin 1 by hand is |1 - w + ...|, w = e^(-i pi/4)."""
    samples = rng.uniform(0.5, 1.0, 6)
    turns = np.exp(-2j * np.pi * np.arange(6) / 8)
    want = abs((samples * turns).sum())
    answer = student.log_mel(samples[None], np.ones(6), np.eye(5))
    got = np.exp(as_matrix(answer, (1, 5), what="log_mel of 1 frame and 5 bins"))[0, 1]
    assert_equal(got, want, what="bin 1 of 6 samples and two zeros", relative=1e-3)


@check("1.2", sentence="The logarithm is the natural one, of each band plus 1e-6.")
def silence_stays_finite(student: Student, rng: np.random.Generator) -> None:
    """Send silence, and a sine so faint that its magnitude is 1e-6 as well."""
    faint = 2.5e-7 * np.sin(2 * np.pi * 2 * np.arange(8) / 8)
    answer = student.log_mel(np.stack([np.zeros(8), faint]), np.ones(8), np.eye(5))
    got = as_matrix(answer, (2, 5), what="log_mel of 2 frames and 5 bands")
    by_hand = np.array([np.log(1e-6), np.log(2e-6)])
    assert_near(got[:, 2], by_hand, what="bands of silence and of a faint sine")


@check(
    "1.2",
    sentence="Coefficient k of a frame is sqrt(2 / B) times the sum over its B bands of "
    "band n times cos(pi k (n + 1/2) / B).",
)
def cosines_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take two bands: alike they are coefficient 0 only, opposite they are coefficient 1 only."""
    bands = np.array([[1.0, 1.0], [1.0, -1.0], [3.0, 1.0]])
    answer = student.mfcc(bands, 2)
    got = as_matrix(answer, (3, 2), what="mfcc of 3 frames, 2 coefficients").round(6)
    half = np.sqrt(2.0)  # 2 cos(pi / 4)
    by_hand = np.array([[2, 0], [0, half], [4, half]])
    rows = [
        {"bands": band.tolist(), "by hand": want.round(6).tolist(), "yours": mine.tolist()}
        for band, want, mine in zip(bands, by_hand, got, strict=True)
    ]
    evidence.table(rows)
    for band, want, mine in zip(bands, by_hand, got, strict=True):
        assert float(np.abs(mine - want).max()) < 1e-4, (
            f"coefficients of the bands {band.tolist()}: expected {evidence.brief(want)}, "
            f"you have {evidence.brief(mine)}"
        )


@check("1.2", sentence="Samples that fill no whole frame at the end are left out.")
def a_rising_tone(student: Student, rng: np.random.Generator) -> None:
    """Send a tone that rises from 200 Hz to 3 kHz in a second through all three functions."""
    seconds = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * (200 * seconds + 1400 * seconds**2)).astype(np.float32)
    frames = as_matrix(student.frame(tone, 640, 320), (49, 640), what="frames of a second")
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(640) / 640)
    bands = student.log_mel(frames.astype(np.float32), taper, mel_matrix().numpy())
    bands = as_matrix(bands, (49, 40), what="log_mel of a second")
    figure, axes = plots.new_figure()
    speech_pictures.draw_bands(axes, bands, title="A rising tone, as your functions see it")
    evidence.picture(figure, alt="Mel bands against time: one bright ridge that rises.")
    loudest = bands.argmax(1)
    assert bool((np.diff(loudest) >= 0).all()), "the tone rises, so the loudest band never falls"
    assert loudest[-1] - loudest[0] > 20, "the tone passes through more than 20 of the 40 bands"
    as_matrix(student.mfcc(bands, 10), (49, 10), what="mfcc of a second")
