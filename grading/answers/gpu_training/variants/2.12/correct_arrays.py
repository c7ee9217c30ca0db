import numpy as np


def sizes(groups, pad, element_bytes):
    return element_bytes * np.array(
        [sum(-(-s[0] // pad) * pad * int(np.prod(s[1:], dtype=int)) for s in g) for g in groups]
    )


def collective_bytes(strategy, groups, ranks, element_bytes=4):
    whole = sizes(groups, 1, element_bytes).sum()
    full = sizes(groups, ranks, element_bytes)
    times = np.full(len(full), 2)
    times[0] = 1
    if strategy == "ddp":
        return {"all_reduce": int(whole), "all_gather": 0, "reduce_scatter": 0}
    return {"all_reduce": 0, "all_gather": int(times @ full), "reduce_scatter": int(full.sum())}


def bytes_held(strategy, groups, ranks, element_bytes=4):
    pad = {"ddp": 1, "fsdp2": ranks}[strategy]
    return int(4 * sizes(groups, pad, element_bytes).sum() / pad)


def step_time_s(parameters, tokens, collectives, ranks, machine, is_overlapped=False):
    calls, payload, ways = (
        np.array(x, dtype=float)
        for x in (
            [c for c, _ in collectives.values()],
            [p for _, p in collectives.values()],
            [1 + (name == "all_reduce") for name in collectives],
        )
    )
    latency = (ways * (ranks - 1) * calls).sum() * machine["alpha_s"]
    passing = (ways * (ranks - 1) / ranks * payload).sum() / machine["bytes_per_s"]
    both = np.array([6 * parameters * tokens / machine["flop_per_s"], latency + passing])
    return float(both.max() if is_overlapped else both.sum())
