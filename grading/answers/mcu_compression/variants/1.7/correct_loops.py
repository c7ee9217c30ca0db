import math


def magnitude_mask(weights, sparsity):
    flat = weights.reshape(-1).tolist()
    by_size = sorted(range(len(flat)), key=lambda place: abs(flat[place]), reverse=True)
    stays = set(by_size[: round((1 - sparsity) * len(flat))])
    return _shaped([place in stays for place in range(len(flat))], weights.shape)


def _shaped(values, shape):
    if len(shape) == 1:
        return list(values)
    step = len(values) // shape[0]
    return [_shaped(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def _norm(channel):
    return math.sqrt(math.fsum(float(w) ** 2 for w in channel.reshape(-1)))


def strongest_channels(weights, keep):
    ranked = sorted(range(len(weights)), key=lambda c: _norm(weights[c]), reverse=True)
    return sorted(ranked[:keep])


def shrink_groups(weights, threshold):
    shrunk = weights.copy()
    for c in range(len(shrunk)):
        norm = _norm(shrunk[c])
        shrunk[c] *= 0.0 if norm <= threshold else 1 - threshold / norm
    return shrunk
