import numpy as np


def choose_precision(capability):
    has_gpu = capability is not None
    is_new = has_gpu and tuple(capability) >= (8, 0)
    names = {(False, False): "float32", (True, False): "float16", (True, True): "bfloat16"}
    return names[has_gpu, is_new], has_gpu and not is_new


def scaler_step(gradients, scale, good_steps, growth_interval):
    whole = np.concatenate([np.ravel(g) for g in gradients])
    if np.isinf(whole).any() or np.isnan(whole).any():
        unscaled, scale, good_steps = None, scale / 2, 0
    else:
        unscaled, good_steps = [np.divide(g, scale) for g in gradients], good_steps + 1
    if good_steps >= growth_interval:
        scale, good_steps = scale * 2, 0
    return unscaled, scale, good_steps
