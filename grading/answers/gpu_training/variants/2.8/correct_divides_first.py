from labs.gpu_training.flat_arrays import cut, join


def bucket(sizes_bytes, limit_bytes):
    if not sizes_bytes:
        return []
    taken = 1
    while taken < len(sizes_bytes) and sum(sizes_bytes[-taken - 1 :]) <= limit_bytes:
        taken += 1
    first = list(range(len(sizes_bytes)))[: -taken - 1 : -1]
    return [first, *bucket(sizes_bytes[:-taken], limit_bytes)]


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    buckets = bucket([g.nbytes for g in gradients], limit_bytes)
    flats = [join(gradients, group) / ranks for group in buckets]
    return cut(list(map(all_reduce, flats)), buckets, like=gradients)


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    own, tickets = {}, []
    while len(tickets) < len(buckets):
        index, gradient = next_gradient()
        own[index] = gradient / ranks
        while len(tickets) < len(buckets) and all(i in own for i in buckets[len(tickets)]):
            tickets.append(start(join(own, buckets[len(tickets)])))
    return cut([wait(ticket) for ticket in reversed(tickets)][::-1], buckets, like=own)
