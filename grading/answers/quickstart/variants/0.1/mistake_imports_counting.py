# message: withheld
import torch


def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    from course_utils.counting import count

    layer = torch.nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
    counts = count(layer, torch.zeros(1, in_channels, height, width))
    return counts.params, counts.macs
