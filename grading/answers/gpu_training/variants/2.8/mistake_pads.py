# message: bytes travel
import numpy as np

from labs.gpu_training.flat_arrays import cut, join


def bucket(sizes_bytes, limit_bytes):
    buckets, room = [], -1
    for index in range(len(sizes_bytes) - 1, -1, -1):
        if sizes_bytes[index] > room:
            buckets.append([])
            room = limit_bytes
        buckets[-1].append(index)
        room -= sizes_bytes[index]
    return buckets


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    groups = bucket([gradient.nbytes for gradient in gradients], limit_bytes)
    flats = []
    for group in groups:
        flat = join(gradients, group)
        padded = np.concatenate([flat, np.zeros(-len(flat) % 8, flat.dtype)])
        flats.append(all_reduce(padded)[: len(flat)] / ranks)
    return cut(flats, groups, like=gradients)


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    own, tickets = {}, []
    while (ready := next_gradient()) is not None:
        own[ready[0]] = ready[1]
        while len(tickets) < len(buckets) and own.keys() >= set(buckets[len(tickets)]):
            tickets.append(start(join(own, buckets[len(tickets)])))
    return cut([wait(ticket) / ranks for ticket in tickets], buckets, like=own)
