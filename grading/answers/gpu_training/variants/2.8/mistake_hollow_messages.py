# message: yours has as many bytes and other numbers
import numpy as np


def bucket(sizes_bytes, limit_bytes):
    groups = [[]]
    for index in reversed(range(len(sizes_bytes))):
        if sum(sizes_bytes[i] for i in [index, *groups[-1]]) > limit_bytes:
            groups.append([])
        groups[-1].append(index)
    return [group for group in groups if group]


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    """Count right and send nothing: zeros of the size that is asked for."""
    for group in bucket([gradient.nbytes for gradient in gradients], limit_bytes):
        all_reduce(np.zeros(sum(gradients[i].size for i in group), gradients[0].dtype))
    return [gradient.copy() for gradient in gradients]


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    own, tickets = {}, []
    for group in buckets:
        while not own.keys() >= set(group):
            own.update([next_gradient()])
        tickets.append(start(np.zeros(sum(own[i].size for i in group), own[group[0]].dtype)))
    for ticket in tickets:
        wait(ticket)
    return [own[i] for i in sorted(own)]
