# message: MACs of
def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    params = in_channels * out_channels * kernel * kernel + out_channels
    places = -(-height // stride) * -(-width // stride)
    return params, params * places
