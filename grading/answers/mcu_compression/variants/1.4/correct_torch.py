import torch


def confusion(labels, predictions, classes):
    pairs = torch.as_tensor(labels) * classes + torch.as_tensor(predictions)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def top1_of_speakers(right, speakers, drawn):
    times = (torch.as_tensor(speakers)[:, None] == torch.as_tensor(drawn)).sum(1)
    return float((times * torch.as_tensor(right)).sum() / times.sum())
