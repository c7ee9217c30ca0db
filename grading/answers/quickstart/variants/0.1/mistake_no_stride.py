# message: stride of 2
def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    weights = in_channels * out_channels * kernel * kernel
    return weights + out_channels, weights * height * width
