import numpy as np


def bucket(sizes_bytes, limit_bytes):
    groups, group, total = [], [], 0
    for index in reversed(range(len(sizes_bytes))):
        if group and total + sizes_bytes[index] > limit_bytes:
            groups.append(group)
            group, total = [], 0
        group = [*group, index]
        total += sizes_bytes[index]
    return [*groups, group] if group else groups


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    means = [np.empty_like(gradient) for gradient in gradients]
    for group in bucket([gradient.nbytes for gradient in gradients], limit_bytes):
        flat = all_reduce(np.hstack([np.ravel(gradients[i]) for i in group]))
        place = 0
        for i in group:
            size = gradients[i].size
            means[i].flat[:] = flat[place : place + size] / ranks
            place += size
    return means


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    left = [set(group) for group in buckets]
    own, waiting = {}, []
    while left:
        index, own[index] = next_gradient()
        for indices in left:
            indices.discard(index)
        while left and not left[0]:
            left.pop(0)
            group = buckets[len(waiting)]
            waiting.append((group, start(np.hstack([np.ravel(own[i]) for i in group]))))
    means = {}
    for group, ticket in waiting:
        parts = np.split(wait(ticket), np.cumsum([own[i].size for i in group])[:-1])
        means.update({i: (p / ranks).reshape(own[i].shape) for i, p in zip(group, parts)})
    return [means[i] for i in sorted(means)]
