def diagnose(evidence):
    ranks, steps = evidence["ranks"], len(evidence["batches"][0])

    def same_everywhere(name):
        return all(
            len({evidence[name][rank][step] for rank in range(ranks)}) == 1 for step in range(steps)
        )

    if same_everywhere("batches"):
        return "same shard"
    if evidence["dropout"] != 0 and same_everywhere("masks"):
        return "shared dropout"
    ratios = [
        float(got) / float(want)
        for rows in zip(evidence["applied"], evidence["expected"])
        for got, want in zip(*rows)
    ]
    if min(ratios) > ranks * 0.99 and max(ratios) < ranks * 1.01:
        return "summed gradients"
    return "healthy" if max(abs(ratio - 1) for ratio in ratios) < 0.0015 else "stale bucket"
