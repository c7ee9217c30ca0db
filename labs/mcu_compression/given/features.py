"""Stands in for exercise 1.2: frames, log-mel bands and MFCCs, by way of `labs.shared.features`."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from labs.shared import features

Floats = NDArray[np.floating[Any]]


def frame(samples: Floats, window: int, hop: int) -> Floats:
    """Return overlapping frames, (frames, window).

    Parameters
    ----------
    samples
        (n,), n >= window.
    window, hop
        Length of a frame and distance between two, >= 1.
    """
    clip = torch.from_numpy(np.array(samples))[None]
    return _array(features.frames(clip, window=int(window), hop=int(hop))[0])


def log_mel(frames: Floats, taper: Floats, mel: Floats) -> Floats:
    """Return the logarithm of the energy in each mel band, (frames, bands).

    Parameters
    ----------
    frames, taper
        (frames, window) and (window,).
    mel
        (bins, bands), weight of each bin in each band.
    """
    tapered, weights = torch.as_tensor(frames * taper), torch.as_tensor(mel)
    spectrum = torch.fft.rfft(tapered, n=2 * len(weights) - 2).abs()
    return _array(torch.log(spectrum.to(weights.dtype) @ weights + features.LOG_FLOOR))


def mfcc(bands: Floats, coefficients: int) -> Floats:
    """Return the first coefficients of the cosine transform, (frames, coefficients).

    Parameters
    ----------
    bands
        (frames, bands), log-mel.
    coefficients
        At most the number of bands.
    """
    columns = features.dct_matrix(bands.shape[1], coefficients=int(coefficients))
    return _array(torch.as_tensor(bands, dtype=torch.float64) @ columns)


def _array(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.numpy()
    return array
