import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def frame(samples, window, hop):
    return sliding_window_view(np.asarray(samples), window)[::hop]


def log_mel(frames, taper, mel):
    bins = mel.shape[0]
    spectrum = np.fft.rfft(np.asarray(frames) * taper, 2 * bins - 2, axis=1)
    magnitude = np.hypot(spectrum.real, spectrum.imag)
    return np.log(magnitude.dot(mel) + 1e-6)


def mfcc(bands, coefficients):
    size = bands.shape[-1]
    n, k = np.meshgrid(np.arange(size), np.arange(coefficients), indexing="ij")
    basis = np.cos(np.pi * k * (n + 0.5) / size) * np.sqrt(2 / size)
    return np.einsum("tn,nk->tk", bands, basis)
