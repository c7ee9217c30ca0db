# message: still this rank's own
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
    for group in bucket([gradient.nbytes for gradient in gradients], limit_bytes):
        all_reduce(join(gradients, group))
    return gradients


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    own, tickets = {}, []
    while (ready := next_gradient()) is not None:
        own[ready[0]] = ready[1]
        while len(tickets) < len(buckets) and own.keys() >= set(buckets[len(tickets)]):
            tickets.append(start(join(own, buckets[len(tickets)])))
    return cut([wait(ticket) / ranks for ticket in tickets], buckets, like=own)
