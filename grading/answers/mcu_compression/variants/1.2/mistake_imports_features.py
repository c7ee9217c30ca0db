# message: withheld
import torch

from labs.shared import features


def frame(samples, window, hop):
    return features.frames(torch.as_tensor(samples)[None], window=window, hop=hop)[0]


def log_mel(frames, taper, mel):
    spectrum = torch.fft.rfft(torch.as_tensor(frames * taper), n=2 * (len(mel) - 1)).abs()
    return torch.log(spectrum @ torch.as_tensor(mel, dtype=spectrum.dtype) + features.LOG_FLOOR)


def mfcc(bands, coefficients):
    return torch.as_tensor(bands) @ features.dct_matrix(bands.shape[1], coefficients=coefficients)
