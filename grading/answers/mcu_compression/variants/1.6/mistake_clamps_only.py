# message: values are scale * (code - zero_point); yours lie
# Exercise 1.6
def fold_batch_norm(weight, bias, norm):
    factor = norm["gamma"] / torch.sqrt(norm["variance"] + norm["eps"])
    return weight * factor[:, None, None, None], (bias - norm["mean"]) * factor + norm["beta"]


def fake_quantize(x, scale, zero_point, bits):
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return x.clamp((low - zero_point) * scale, (high - zero_point) * scale)
