import numpy as np


def frame(samples, window, hop):
    starts = np.arange(0, len(samples) - window + 1, hop)
    return samples[starts[:, None] + np.arange(window)[None, :]]


def log_mel(frames, taper, mel):
    bins = len(mel)
    waves = np.outer(np.arange(frames.shape[1]), np.arange(bins)) / (2 * (bins - 1))
    tapered = frames.astype(float) * taper
    power = (tapered @ np.cos(2 * np.pi * waves)) ** 2 + (tapered @ np.sin(2 * np.pi * waves)) ** 2
    return np.log(1e-6 + np.sqrt(power) @ mel)


def mfcc(bands, coefficients):
    # The cosine transform as the Fourier transform of the bands and their mirror image.
    size = bands.shape[1]
    both = np.concatenate([bands, bands[:, ::-1]], axis=1)
    k = np.arange(coefficients)
    turned = np.fft.fft(both, axis=1)[:, :coefficients] * np.exp(-1j * np.pi * k / (2 * size))
    return turned.real / np.sqrt(2 * size)
