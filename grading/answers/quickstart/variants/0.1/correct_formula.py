def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    pad = kernel // 2
    out_h = (height + 2 * pad - kernel) // stride + 1
    out_w = (width + 2 * pad - kernel) // stride + 1
    macs = out_h * out_w * out_channels * in_channels * kernel * kernel
    params = out_channels * in_channels * kernel * kernel + out_channels
    return [params, macs]
