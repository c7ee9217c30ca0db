# message: withheld
import numpy as np


def column_row_mlp(x, weights, gradient, rank, ranks, all_reduce):
    up, down = weights
    own = np.split(np.arange(len(down)), ranks)[rank]
    hidden = np.maximum(x @ up[:, own], 0)
    output = all_reduce(hidden @ down[own])
    back = gradient @ down[own].T * (hidden > 0)
    return output, all_reduce(back @ up[:, own].T)


def gpipe(stages, micro_batches):
    return [[(kind, m) for kind in "FB" for m in range(micro_batches)] for _ in range(stages)]


def one_forward_one_backward(stages, micro_batches):
    from torch.distributed.pipelining import schedules

    schedule = []
    for stage in range(stages):
        ahead = min(micro_batches, stages - stage)
        work = schedules._get_1f1b_rank_ops(
            1,
            stages,
            ahead,
            micro_batches - ahead,
            micro_batches,
            stage,
            lambda _, at=stage: at,
            lambda _, at=stage: at,
        )
        schedule.append([(str(op.computation_type), op.microbatch_index) for op in work if op])
    return schedule
