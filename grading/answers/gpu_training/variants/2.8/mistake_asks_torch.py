# message: more than the limit
from labs.gpu_training.flat_arrays import cut, join


def bucket(sizes_bytes, limit_bytes):
    import torch
    import torch.distributed

    tensors = [torch.empty(size, dtype=torch.uint8) for size in reversed(sizes_bytes)]
    found, _ = torch.distributed._compute_bucket_assignment_by_size(tensors, [limit_bytes])
    return [[len(sizes_bytes) - 1 - i for i in group] for group in found]


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    groups = bucket([gradient.nbytes for gradient in gradients], limit_bytes)
    flats = [all_reduce(join(gradients, group)) / ranks for group in groups]
    return cut(flats, groups, like=gradients)


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    own, tickets = {}, []
    while (ready := next_gradient()) is not None:
        own[ready[0]] = ready[1]
        while len(tickets) < len(buckets) and own.keys() >= set(buckets[len(tickets)]):
            tickets.append(start(join(own, buckets[len(tickets)])))
    return cut([wait(ticket) / ranks for ticket in tickets], buckets, like=own)
