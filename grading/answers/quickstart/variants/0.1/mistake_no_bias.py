# message: parameters of
def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    weights = in_channels * out_channels * kernel * kernel
    places = -(-height // stride) * -(-width // stride)
    return weights, weights * places
