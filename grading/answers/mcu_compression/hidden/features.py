"""Hidden checks of exercise 1.2: other clips, frames, tapers, bands, and properties."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.mcu_compression.checks.features import FLOOR, as_matrix, assert_near
from labs.shared.features import dct_matrix, mel_matrix


@check("1.2", sentence="Frame i holds the `window` samples that begin at sample i * hop.", weight=2)
def other_windows_and_hops(student: Student, rng: np.random.Generator) -> None:
    for window, hop in ((5, 1), (6, 4), (3, 7), (int(rng.integers(20, 40)), 11)):
        samples = rng.normal(size=window + 5 * hop).astype(np.float32)
        want = [[float(samples[i * hop + j]) for j in range(window)] for i in range(6)]
        got = student.frame(samples, window, hop)
        assert_equal(got, want, what=f"frames with window {window} and hop {hop}")


@check("1.2", sentence="Samples that fill no whole frame at the end are left out.")
def ends_that_fill_no_frame(student: Student, rng: np.random.Generator) -> None:
    window, hop = 9, 4
    for extra in (1, 2, 3):
        samples = rng.normal(size=window + 2 * hop + extra).astype(np.float32)
        got = np.asarray(student.frame(samples, window, hop))
        assert got.shape == (3, window), (
            f"{len(samples)} samples, window {window}, hop {hop} make 3 frames, you have {len(got)}"
        )


@check(
    "1.2",
    sentence="The spectrum is the magnitude of the Fourier transform of the tapered frame.",
    weight=2,
)
def energy_is_kept(student: Student, rng: np.random.Generator) -> None:
    """Use Parseval's theorem: no other transform is needed to check one."""
    bins = int(rng.integers(20, 40))
    length = 2 * (bins - 1)
    frames, taper = rng.normal(size=(7, length)), rng.uniform(0.1, 1, length)
    bands = as_matrix(student.log_mel(frames, taper, np.eye(bins)), (7, bins), what="log_mel")
    magnitudes = np.exp(bands) - FLOOR
    twice = np.full(bins, 2.0)
    twice[[0, -1]] = 1  # all other bins stand for two
    energy = (twice * magnitudes**2).sum(1) / length
    assert_equal(energy, ((frames * taper) ** 2).sum(1), what="energy of each frame", relative=1e-3)


@check("1.2", sentence="The frame is filled up with zeros at its end to 2 * (bins - 1) samples.")
def padded_frames_and_other_bands(student: Student, rng: np.random.Generator) -> None:
    window, bins, bands = 21, 33, 6
    frames, taper = rng.normal(size=(4, window)), rng.uniform(0.1, 1, window)
    mel = rng.uniform(0, 1, (bins, bands))
    waves = np.exp(-2j * np.pi * np.outer(np.arange(window), np.arange(bins)) / (2 * (bins - 1)))
    want = np.log(np.abs((frames * taper) @ waves) @ mel + FLOOR)
    got = as_matrix(student.log_mel(frames, taper, mel), (4, bands), what="log_mel")
    assert_near(got, want, what="log-mel bands of padded frames")


@check("1.2", sentence="The logarithm is the natural one, of each band plus 1e-6.")
def silent_frames(student: Student, rng: np.random.Generator) -> None:
    mel = rng.uniform(0, 1, (9, 3))
    got = as_matrix(student.log_mel(np.zeros((2, 16)), np.ones(16), mel), (2, 3), what="log_mel")
    assert_near(got, np.full((2, 3), -13.815511), what="bands of silence")


@check(
    "1.2",
    sentence="Coefficient k of a frame is sqrt(2 / B) times the sum over its B bands of "
    "band n times cos(pi k (n + 1/2) / B).",
    weight=2,
)
def other_numbers_of_coefficients(student: Student, rng: np.random.Generator) -> None:
    for frames, size, coefficients in ((3, 8, 8), (5, 40, 10), (2, 13, 1)):
        bands = rng.normal(size=(frames, size))
        got = as_matrix(student.mfcc(bands, coefficients), (frames, coefficients), what="mfcc")
        for k in range(coefficients):
            cosines = np.cos(np.pi * k * (2 * np.arange(size) + 1) / (2 * size))
            want = (bands * cosines).sum(1) * np.sqrt(2 / size)
            # float32 sums of 40 products err by about 1e-6.
            worst = float(np.abs(got[:, k] - want).max())
            assert worst < 1e-4, f"coefficient {k} of {size} bands is off by {worst:.4g}"


@check("1.2", sentence="Samples that fill no whole frame at the end are left out.")
def one_second_as_the_library_sees_it(student: Student, rng: np.random.Generator) -> None:
    samples = (0.3 * rng.normal(size=16_000)).astype(np.float32)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(640) / 640)
    mel = mel_matrix().numpy()
    frames = as_matrix(student.frame(samples, 640, 320), (49, 640), what="frames of a second")
    cut = np.stack([samples[320 * i : 320 * i + 640] for i in range(49)]).astype(np.float64)
    assert_equal(frames, cut, what="the frames of a second")
    bands = np.log(np.abs(np.fft.rfft(cut * taper, n=1024)) @ mel + FLOOR)
    got = as_matrix(student.log_mel(cut, taper, mel), (49, 40), what="log_mel of a second")
    assert_near(got, bands, what="the log-mel bands of a second")
    mfcc = as_matrix(student.mfcc(bands, 10), (49, 10), what="mfcc of a second")
    assert_near(mfcc, bands @ dct_matrix().numpy(), what="the MFCCs of a second")
