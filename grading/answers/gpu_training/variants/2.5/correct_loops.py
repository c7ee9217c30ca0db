import math


def choose_precision(capability):
    if not capability:
        return "float32", False
    major, minor = capability
    if 10 * major + minor < 80:
        return "float16", True
    return "bfloat16", False


def scaler_step(gradients, scale, good_steps, growth_interval):
    for gradient in gradients:
        for value in gradient.ravel().tolist():
            if not math.isfinite(value):
                return None, scale / 2.0, 0
    good_steps += 1
    following = scale
    if good_steps == growth_interval:
        following, good_steps = 2.0 * scale, 0
    return tuple(gradient / scale for gradient in gradients), following, good_steps
