import torch


def reconstruct(weight_gradient, bias_gradient):
    weight, bias = torch.from_numpy(weight_gradient), torch.from_numpy(bias_gradient)
    row = int(bias.abs().argmax())
    if bias[row] == 0:
        raise ValueError("no unit is active")
    return torch.div(weight[row], bias[row]).numpy()


def masked(x, rank, *, scale, seeds, expand):
    steps = torch.round(torch.from_numpy(x).double() * scale).long()
    if int(steps.abs().max()) * (len(seeds) + 1) > 2**31 - 1:
        raise ValueError("the sum does not fit")
    for other, seed in seeds.items():
        pad = torch.from_numpy(expand(seed, len(x)).astype("int64"))
        steps = steps + (pad if other > rank else -pad)
    return torch.remainder(steps, 2**32).numpy().astype("uint32")


def unmasked(total, revealed, *, scale, expand):
    words = torch.from_numpy(total.astype("int64"))
    for gone, seeds in revealed.items():
        for alive, seed in seeds.items():
            pad = torch.from_numpy(expand(seed, len(total)).astype("int64"))
            # The survivor added it if the vanished one has the higher number.
            words = words - pad if alive < gone else words + pad
    words = torch.remainder(words, 2**32)
    return (torch.where(words >= 2**31, words - 2**32, words).double() / scale).numpy()
