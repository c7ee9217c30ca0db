import numpy as np
import torch


def top_k(update, k):
    numbers = torch.tensor(update)
    if not numbers.isfinite().all():
        raise ValueError("not finite")
    places = numbers.abs().sort(descending=True, stable=True).indices[:k].sort().values
    return places.numpy().astype(np.uint32), numbers[places].numpy()


def quantize_int8(update, uniform):
    numbers = torch.tensor(update, dtype=torch.float64)
    if not numbers.isfinite().all():
        raise ValueError("not finite")
    scale = numbers.abs().max().reshape(1) / 127
    codes = torch.floor(torch.nan_to_num(numbers / scale) + torch.tensor(uniform))
    return codes.clamp(-127, 127).to(torch.int8).numpy(), scale.float().numpy()


def with_error_feedback(update, memory, *, compress, decompress):
    owed = torch.tensor(update).add_(torch.tensor(memory))
    message = compress(owed.numpy())
    return message, (owed - torch.tensor(decompress(message))).numpy()
