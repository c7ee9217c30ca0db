# message: start
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
    flats = [all_reduce(join(gradients, group)) / ranks for group in groups]
    return cut(flats, groups, like=gradients)


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    tickets, own = {}, {}
    while (ready := next_gradient()) is not None:
        index, own[index] = ready
        tickets[index] = start(own[index])
    return [wait(tickets[index]) / ranks for index in range(len(own))]
