import torch


def float32_threshold(threshold):
    near = torch.tensor(float(threshold), dtype=torch.float32)
    while near.item() > threshold:
        near = torch.nextafter(near, torch.tensor(float("-inf")))
    return near.item()


def ordered_code(number):
    size = torch.tensor(abs(float(number)), dtype=torch.float32).view(torch.int32).item()
    return size if number > 0 else -size
