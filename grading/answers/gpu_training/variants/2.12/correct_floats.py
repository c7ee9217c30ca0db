from math import ceil, prod


def elements(shape, ranks):
    return ceil(shape[0] / ranks) * prod(shape[1:]) * ranks


def collective_bytes(strategy, groups, ranks, element_bytes=4):
    if strategy == "ddp":
        total = sum(prod(shape) for group in groups for shape in group)
        return {
            "reduce_scatter": 0.0,
            "all_gather": 0.0,
            "all_reduce": float(total * element_bytes),
        }
    first, *rest = [sum(elements(s, ranks) for s in group) * element_bytes for group in groups]
    once = first + sum(rest)
    return {"reduce_scatter": once, "all_gather": once + sum(rest), "all_reduce": 0}


def bytes_held(strategy, groups, ranks, element_bytes=4):
    shards = ranks if strategy == "fsdp2" else 1
    weights = sum(elements(s, shards) / shards for group in groups for s in group) * element_bytes
    gradients, moments = weights, 2 * weights
    return weights + gradients + moments


def step_time_s(parameters, tokens, collectives, ranks, machine, is_overlapped=False):
    def call_s(name, calls, payload):
        share = (ranks - 1) / ranks
        t = share * payload / machine["bytes_per_s"] + calls * (ranks - 1) * machine["alpha_s"]
        return 2 * t if name == "all_reduce" else t

    compute = 6 * parameters * tokens / machine["flop_per_s"]
    send = sum(call_s(name, *sent) for name, sent in collectives.items())
    return max(compute, send) if is_overlapped else compute + send
