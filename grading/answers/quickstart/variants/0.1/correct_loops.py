import numpy as np


def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    params, macs = out_channels, 0
    params += np.prod([in_channels, out_channels, kernel, kernel])
    for _ in range(0, height, stride):
        for _ in range(0, width, stride):
            macs += in_channels * out_channels * kernel * kernel
    return np.array([params, macs])
