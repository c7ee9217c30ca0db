import torch


def bucket(sizes_bytes, limit_bytes):
    buckets = []
    for index, size in reversed(list(enumerate(sizes_bytes))):
        if buckets and sum(sizes_bytes[i] for i in buckets[-1]) + size <= limit_bytes:
            buckets[-1].append(index)
        else:
            buckets.append([index])
    return buckets


def _flat(arrays):
    return torch.cat([torch.as_tensor(array).reshape(-1) for array in arrays]).numpy()


def _parts(total, arrays, ranks):
    sizes = [array.size for array in arrays]
    parts = torch.split(torch.as_tensor(total) / ranks, sizes)
    return [part.reshape(array.shape).numpy() for part, array in zip(parts, arrays)]


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    means = [None] * len(gradients)
    for group in bucket([gradient.nbytes for gradient in gradients], limit_bytes):
        arrays = [gradients[i] for i in group]
        for i, part in zip(group, _parts(all_reduce(_flat(arrays)), arrays, ranks)):
            means[i] = part
    return means


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    own, tickets = {}, []
    for group in buckets:
        while any(i not in own for i in group):
            i, gradient = next_gradient()
            own[i] = gradient
        tickets.append(start(_flat([own[i] for i in group])))
    means = [None] * len(own)
    for group, ticket in zip(buckets, tickets):
        for i, part in zip(group, _parts(wait(ticket), [own[i] for i in group], ranks)):
            means[i] = part
    return means
