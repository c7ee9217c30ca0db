# message: all_gather carries
import math


def padded(shape, ranks):
    return math.ceil(shape[0] / ranks) * ranks * math.prod(shape[1:])


def collective_bytes(strategy, groups, ranks, element_bytes=4):
    pad = ranks if strategy == "fsdp2" else 1
    sizes = [element_bytes * sum(padded(s, pad) for s in group) for group in groups]
    if strategy == "ddp":
        return {"all_reduce": sum(sizes), "all_gather": 0, "reduce_scatter": 0}
    gathered = 2 * sum(sizes)
    return {"all_reduce": 0, "all_gather": gathered, "reduce_scatter": sum(sizes)}


def bytes_held(strategy, groups, ranks, element_bytes=4):
    share = ranks if strategy == "fsdp2" else 1
    held = sum(padded(s, share) // share for group in groups for s in group)
    return 4 * element_bytes * held


def step_time_s(parameters, tokens, collectives, ranks, machine, is_overlapped=False):
    compute_s = 6 * parameters * tokens / machine["flop_per_s"]
    sending_s = 0.0
    for name, (calls, payload) in collectives.items():
        messages = (ranks - 1) * (2 if name == "all_reduce" else 1)
        sending_s += messages * calls * machine["alpha_s"]
        sending_s += messages * payload / ranks / machine["bytes_per_s"]
    return max(compute_s, sending_s) if is_overlapped else compute_s + sending_s
