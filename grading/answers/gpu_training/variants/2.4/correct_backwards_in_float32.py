import torch


def accumulated_gradients(gradient_of, batch, *, size):
    x, y = (torch.as_tensor(part) for part in batch)
    weights = [(piece != -100).sum() for piece in y.split(size)]
    total = sum(weights)
    loss, gradients = torch.zeros(()), []
    for codes, targets, weight in reversed(list(zip(x.split(size), y.split(size), weights))):
        if weight > 0:
            mean, found = gradient_of(codes.numpy(), targets.numpy())
            share = (weight / total).float()
            loss = loss + share * mean
            found = [share * torch.as_tensor(each).float() for each in found]
            gradients = [a + b for a, b in zip(gradients, found)] if gradients else found
    return float(loss), [each.numpy() for each in gradients]
