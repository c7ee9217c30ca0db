# message: a sine of two waves in 8 samples has magnitude 4 in bin 2
import numpy as np


def frame(samples, window, hop):
    count = (len(samples) - window) // hop + 1
    return np.stack([samples[i * hop : i * hop + window] for i in range(count)])


def log_mel(frames, taper, mel):
    spectrum = np.abs(np.fft.rfft(frames * taper, n=2 * (len(mel) - 1))) ** 2
    return np.log(spectrum @ mel + 1e-6)


def mfcc(bands, coefficients):
    size = bands.shape[1]
    n, k = np.arange(size)[:, None], np.arange(coefficients)
    return bands @ (np.sqrt(2 / size) * np.cos(np.pi * k * (n + 0.5) / size))
