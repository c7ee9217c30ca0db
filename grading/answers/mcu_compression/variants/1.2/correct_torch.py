import torch


def frame(samples, window, hop):
    return torch.as_tensor(samples).unfold(0, window, hop)


def log_mel(frames, taper, mel):
    frames, taper, mel = (torch.as_tensor(x, dtype=torch.float32) for x in (frames, taper, mel))
    spectrum = torch.fft.rfft(frames * taper, n=2 * (mel.shape[0] - 1))
    return torch.log(spectrum.abs() @ mel + 1e-6)


def mfcc(bands, coefficients):
    bands = torch.as_tensor(bands, dtype=torch.float32)
    size = bands.shape[1]
    n = torch.arange(size)[:, None] + 0.5
    k = torch.arange(coefficients)[None, :]
    return bands @ torch.cos(torch.pi * k * n / size) * (2 / size) ** 0.5
