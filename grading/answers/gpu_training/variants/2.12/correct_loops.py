def rows_padded(rows, ranks):
    while rows % ranks:
        rows += 1
    return rows


def group_elements(group, pad):
    total = 0
    for rows, *rest in group:
        count = rows_padded(rows, pad)
        for each in rest:
            count *= each
        total += count
    return total


def collective_bytes(strategy, groups, ranks, element_bytes=4):
    sent = {"all_reduce": 0, "all_gather": 0, "reduce_scatter": 0}
    for number, group in enumerate(groups):
        if strategy == "ddp":
            sent["all_reduce"] += element_bytes * group_elements(group, 1)
        else:
            size = element_bytes * group_elements(group, ranks)
            sent["all_gather"] += size if number == 0 else 2 * size
            sent["reduce_scatter"] += size
    return sent


def bytes_held(strategy, groups, ranks, element_bytes=4):
    if strategy == "ddp":
        return 4 * element_bytes * sum(group_elements(group, 1) for group in groups)
    return 4 * element_bytes * sum(group_elements(group, ranks) for group in groups) // ranks


def step_time_s(parameters, tokens, collectives, ranks, machine, is_overlapped=False):
    computing = parameters * tokens * 6.0 / machine["flop_per_s"]
    sending = 0.0
    for name in collectives:
        calls, payload = collectives[name]
        one_way = calls * machine["alpha_s"] + payload / machine["bytes_per_s"] / ranks
        for _ in range(2 if name == "all_reduce" else 1):
            sending += (ranks - 1) * one_way
    if is_overlapped and sending < computing:
        return computing
    return sending if is_overlapped else computing + sending
