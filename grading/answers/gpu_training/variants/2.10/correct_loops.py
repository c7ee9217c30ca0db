import numpy as np


def _part(weights, rank, ranks):
    up, down = weights
    size = len(down) // ranks
    columns = [[float(w) for w in row[rank * size : (rank + 1) * size]] for row in up]
    return columns, [[float(w) for w in row] for row in down[rank * size : (rank + 1) * size]]


def _times(a, b):
    return [[sum(p * q for p, q in zip(row, column)) for column in zip(*b)] for row in a]


def column_row_mlp(x, weights, gradient, rank, ranks, all_reduce):
    up, down = _part(weights, rank, ranks)
    before = _times(x.tolist(), up)
    output = all_reduce(np.array(_times([[max(h, 0.0) for h in row] for row in before], down)))
    back = _times(gradient.tolist(), [list(column) for column in zip(*down)])
    back = [[b if h > 0 else 0.0 for b, h in zip(*rows)] for rows in zip(back, before)]
    return output, all_reduce(np.array(_times(back, [list(column) for column in zip(*up)])))


def gpipe(stages, micro_batches):
    schedule = []
    for _ in range(stages):
        work = []
        for m in range(micro_batches):
            work.append(["F", m])
        for m in range(micro_batches):
            work.append(["B", m])
        schedule.append(work)
    return schedule


def one_forward_one_backward(stages, micro_batches):
    schedule = []
    for stage in range(stages):
        work, forwards, backwards = [], 0, 0
        while backwards < micro_batches:
            if forwards < micro_batches and forwards - backwards < stages - stage:
                work.append(["F", forwards])
                forwards += 1
            else:
                work.append(["B", backwards])
                backwards += 1
        schedule.append(work)
    return schedule
