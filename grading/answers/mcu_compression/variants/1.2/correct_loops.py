import math

import numpy as np


def frame(samples, window, hop):
    rows = []
    start = 0
    while start + window <= len(samples):
        rows.append(list(samples[start : start + window]))
        start += hop
    return np.array(rows)


def log_mel(frames, taper, mel):
    bins, bands = mel.shape
    out = np.zeros((len(frames), bands))
    for t, one in enumerate(frames):
        padded = np.zeros(2 * (bins - 1))
        padded[: len(one)] = one * taper
        magnitude = abs(np.fft.rfft(padded))
        for band in range(bands):
            out[t, band] = math.log((magnitude * mel[:, band]).sum() + 1e-6)
    return out


def mfcc(bands, coefficients):
    size = len(bands[0])
    return [
        [
            math.sqrt(2 / size)
            * sum(row[n] * math.cos(math.pi * k * (n + 0.5) / size) for n in range(size))
            for k in range(coefficients)
        ]
        for row in bands
    ]
