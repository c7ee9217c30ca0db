# message: MACs of
def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    weights = in_channels * out_channels * kernel * kernel
    places = ((height - kernel) // stride + 1) * ((width - kernel) // stride + 1)
    return weights + out_channels, weights * places
