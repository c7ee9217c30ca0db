import math


def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    places = math.ceil(height / stride) * math.ceil(width / stride)
    per_output = in_channels * kernel**2
    return out_channels * (per_output + 1), out_channels * per_output * places
