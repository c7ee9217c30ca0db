# message: withheld
import torch
from torch.utils.flop_counter import FlopCounterMode


def attainable_ops_per_s(intensity, peak, bandwidth):
    return min(peak, bandwidth * intensity)


def linear_intensity(tokens, inputs, outputs, number_bytes):
    with FlopCounterMode(display=False) as counter:
        torch.empty(tokens, inputs, device="meta") @ torch.empty(inputs, outputs, device="meta")
    numbers = tokens * inputs + inputs * outputs + tokens * outputs
    return counter.get_total_flops() / (number_bytes * numbers)


def step_ops(tokens, parameters, layers, width, context):
    return tokens * (6 * parameters + 12 * layers * width * context)
