# message: withheld
from labs.gpu_training.checks import splitting


def column_row_mlp(x, weights, gradient, rank, ranks, all_reduce):
    layer = splitting.split_layers.Layer(x, *weights, gradient).part(rank, ranks)
    return all_reduce(layer.output()), all_reduce(layer.input_gradient())


def gpipe(stages, micro_batches):
    return [[(kind, m) for kind in "FB" for m in range(micro_batches)] for _ in range(stages)]


def one_forward_one_backward(stages, micro_batches):
    schedule = [[] for _ in range(stages)]
    for stage, work in enumerate(schedule):
        ahead = stages - 1 - stage
        for m in range(micro_batches + ahead):
            work.extend([("F", m)] if m < micro_batches else [])
            work.extend([("B", m - ahead)] if m >= ahead else [])
    return schedule
