"""Features of speech in plain torch: frames, mel bands and MFCCs, as MLPerf Tiny computes them.

`Mfcc` turns one second at 16 kHz into the 49 x 10 numbers that `labs.shared.networks.ds_cnn` takes:
40 ms frames every 20 ms, Hann window, magnitude spectrum, 40 mel bands from 20 to 4,000 Hz, natural
logarithm, cosine transform, first 10 coefficients. Each step is a function of its own. It reads no
audio files and adds no noise.

Source: mlcommons/tiny, benchmark/training/keyword_spotting/kws_util.py, which uses TensorFlow's
``linear_to_mel_weight_matrix`` and ``mfccs_from_log_mel_spectrograms``, with the same formulas.
"""

import math

import torch
from torch import Tensor, nn

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 640  # 40 ms
HOP_SAMPLES = 320  # 20 ms
FFT_SAMPLES = 1024  # the window, padded with zeros to a power of two
LOG_FLOOR = 1e-6  # added before the logarithm, so that silence stays finite


def peak_normalized(samples: Tensor) -> Tensor:
    """Return clips scaled so that the largest sample of each is 1; silence stays silence.

    The reference divides by the largest sample, not by the largest absolute one.

    Parameters
    ----------
    samples
        (batch, time), float.

    Examples
    --------
    >>> peak_normalized(torch.tensor([[0.25, -0.5], [0.0, 0.0]])).tolist()
    [[1.0, -2.0], [0.0, 0.0]]
    """
    peaks = samples.amax(-1, keepdim=True)
    return samples / torch.where(peaks > 0, peaks, torch.ones_like(peaks))


def frames(samples: Tensor, *, window: int = WINDOW_SAMPLES, hop: int = HOP_SAMPLES) -> Tensor:
    """Return overlapping frames; samples that fill no whole frame at the end are left out.

    Parameters
    ----------
    samples
        (batch, time), float; at least `window` long.
    window, hop
        Length of a frame and distance between two, in samples, >= 1.

    Returns
    -------
    Tensor
        (batch, frames, window).

    Raises
    ------
    ValueError
        If the clips are shorter than one frame.

    Examples
    --------
    >>> frames(torch.arange(5.0)[None], window=3, hop=2).tolist()
    [[[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]]
    """
    if samples.shape[-1] < window:
        raise ValueError(
            f"clips of {samples.shape[-1]} samples are shorter than a frame of {window}; pad them"
        )
    return samples.unfold(-1, window, hop)


def mel(frequency_hz: Tensor) -> Tensor:
    """Return frequencies on the mel scale of HTK: 1127 ln(1 + f / 700).

    Examples
    --------
    >>> round(float(mel(torch.tensor(1000.0))))
    1000
    """
    return 1127.0 * torch.log1p(frequency_hz / 700.0)


def mel_matrix(
    bands: int = 40,
    *,
    bins: int = FFT_SAMPLES // 2 + 1,
    low_hz: float = 20.0,
    high_hz: float = 4000.0,
) -> Tensor:
    """Return the weight of each bin of the spectrum in each mel band: triangles on the mel scale.

    Parameters
    ----------
    bands
        Mel bands, >= 1.
    bins
        Bins of the spectrum, from 0 Hz to half the sample rate.
    low_hz, high_hz
        Where the first band begins and the last one ends.

    Returns
    -------
    Tensor
        (bins, bands), float64, in [0, 1]; the bin at 0 Hz counts nowhere.
    """
    nyquist_hz = SAMPLE_RATE_HZ / 2
    bin_mel = mel(torch.linspace(0, nyquist_hz, bins, dtype=torch.float64))[:, None]
    low, high = mel(torch.tensor([low_hz, high_hz], dtype=torch.float64)).tolist()
    edges = torch.linspace(low, high, bands + 2, dtype=torch.float64)
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bin_mel - left) / (center - left), (right - bin_mel) / (right - center)
    weights = torch.minimum(rising, falling).clamp_min(0)
    weights[0] = 0
    return weights


def dct_matrix(bands: int = 40, *, coefficients: int = 10) -> Tensor:
    """Return the cosine transform from log-mel bands to MFCCs.

    Column k holds ``2 cos(pi k (n + 1/2) / bands) / sqrt(2 bands)`` for band n.

    Parameters
    ----------
    bands
        Mel bands.
    coefficients
        How many of the transform's coefficients, from k = 0 on; at most `bands`.

    Returns
    -------
    Tensor
        (bands, coefficients), float64.
    """
    n = torch.arange(bands, dtype=torch.float64)[:, None] + 0.5
    k = torch.arange(coefficients, dtype=torch.float64)
    return 2 * torch.cos(math.pi * k * n / bands) / math.sqrt(2 * bands)


class Mfcc(nn.Module):
    """From clips to MFCCs; without parameters, so it moves to a device and is never trained.

    Parameters
    ----------
    coefficients, bands
        MFCCs kept, and mel bands that they are made of; 1 <= coefficients <= bands.

    Raises
    ------
    ValueError
        If there are more coefficients than bands, naming both.

    Examples
    --------
    >>> Mfcc()(torch.zeros(2, 16_000)).shape
    torch.Size([2, 49, 10])
    """

    window: Tensor
    mel: Tensor
    dct: Tensor

    def __init__(self, *, coefficients: int = 10, bands: int = 40) -> None:
        super().__init__()
        if not 1 <= coefficients <= bands:
            raise ValueError(f"{coefficients} coefficients of {bands} bands; give 1 to {bands}")
        window = torch.hann_window(WINDOW_SAMPLES, periodic=True, dtype=torch.float64)
        for name, constant in (
            ("window", window),
            ("mel", mel_matrix(bands)),
            ("dct", dct_matrix(bands, coefficients=coefficients)),
        ):
            self.register_buffer(name, constant.float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the MFCCs of clips.

        Parameters
        ----------
        samples
            (batch, time), float, at 16 kHz; the reference normalises them (`peak_normalized`).

        Returns
        -------
        Tensor
            (batch, frames, coefficients): (batch, 49, 10) for one second.
        """
        return self.log_mel(samples) @ self.dct

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return the log-mel bands of clips, (batch, frames, bands)."""
        spectrum = torch.fft.rfft(frames(samples) * self.window, n=FFT_SAMPLES)
        # The root of the squares is several times faster than abs(), which guards against overflow.
        magnitude = (spectrum.real.square() + spectrum.imag.square()).sqrt()
        return torch.log(magnitude @ self.mel + LOG_FLOOR)
