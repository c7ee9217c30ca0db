# message: withheld
import numpy as np
from scipy.fft import dct


def frame(samples, window, hop):
    count = (len(samples) - window) // hop + 1
    return np.stack([samples[i * hop : i * hop + window] for i in range(count)])


def log_mel(frames, taper, mel):
    spectrum = np.abs(np.fft.rfft(frames * taper, n=2 * (len(mel) - 1)))
    return np.log(spectrum @ mel + 1e-6)


def mfcc(bands, coefficients):
    return dct(bands, axis=1)[:, :coefficients] / np.sqrt(2 * bands.shape[1])
