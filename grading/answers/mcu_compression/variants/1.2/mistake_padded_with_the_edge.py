# message: bin 1 of 6 samples and two zeros
import numpy as np


def frame(samples, window, hop):
    count = (len(samples) - window) // hop + 1
    return np.stack([samples[i * hop : i * hop + window] for i in range(count)])


def log_mel(frames, taper, mel):
    missing = 2 * (len(mel) - 1) - frames.shape[1]
    padded = np.pad(frames * taper, ((0, 0), (0, missing)), mode="edge")
    return np.log(np.abs(np.fft.rfft(padded)) @ mel + 1e-6)


def mfcc(bands, coefficients):
    size = bands.shape[1]
    n, k = np.arange(size)[:, None], np.arange(coefficients)
    return bands @ (np.sqrt(2 / size) * np.cos(np.pi * k * (n + 0.5) / size))
