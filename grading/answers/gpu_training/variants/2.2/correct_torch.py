import torch


def attainable_ops_per_s(intensity, peak, bandwidth):
    slope = bandwidth * torch.as_tensor(intensity, dtype=torch.float64)
    return slope.clamp(max=peak).numpy()


def linear_intensity(tokens, inputs, outputs, number_bytes):
    bytes_moved = number_bytes * (inputs * (tokens + outputs) + tokens * outputs)
    return 2.0 * tokens * inputs * outputs / bytes_moved


def step_ops(tokens, parameters, layers, width, context):
    return 6 * tokens * (parameters + 2 * layers * width * context)
