# message: the scale after
import numpy as np


def choose_precision(capability):
    if capability is None:
        return "float32", False
    return ("bfloat16", False) if capability[0] >= 8 else ("float16", True)


def scaler_step(gradients, scale, good_steps, growth_interval):
    if not all(np.isfinite(g).all() for g in gradients):
        return None, scale, 0
    unscaled = [g / scale for g in gradients]
    if good_steps + 1 == growth_interval:
        return unscaled, scale * 2, 0
    return unscaled, scale, good_steps + 1
