# Exercise 1.6
def fold_batch_norm(weight, bias, norm):
    factor = norm["gamma"] / (norm["variance"] + norm["eps"]).sqrt()
    folded = (weight.reshape(len(weight), -1) * factor.reshape(-1, 1)).reshape(weight.shape)
    return folded, factor * (bias - norm["mean"]) + norm["beta"]


def fake_quantize(x, scale, zero_point, bits):
    flat = x.reshape(-1)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = torch.round(flat / scale) + zero_point
    kept = torch.where((codes < low) | (codes > high), flat.detach(), flat)
    values = (codes.clamp(low, high) - zero_point) * scale
    return (kept + (values - kept).detach()).reshape(x.shape)
