import torch


def choose_precision(capability):
    match capability:
        case None:
            return ["float32", False]
        case (major, _) if major < 8:
            return ["float16", True]
    return ["bfloat16", False]


def scaler_step(gradients, scale, good_steps, growth_interval):
    tensors = [torch.as_tensor(g) for g in gradients]
    if any((t - t).abs().sum().isnan() for t in tensors):
        return [None, 0.5 * scale, 0]
    steps = good_steps + 1
    factor = 2 if steps % growth_interval == 0 else 1
    return [[(t * (1 / scale)).numpy() for t in tensors], factor * scale, steps % growth_interval]
