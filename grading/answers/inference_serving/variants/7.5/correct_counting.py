def request_times(arrival_ms, token_ms):
    first, *others = token_ms
    gaps, before = [], first
    for at in others:
        gaps.append(at - before)
        before = at
    return [first - arrival_ms, gaps]


def percentiles(samples, percents):
    def fraction(x):
        return sum(100 for y in samples if y <= x)

    out = {}
    for p in percents:
        chance = 1.0
        for _ in samples:
            chance *= p / 100
        if not chance > 0.05:
            out[p] = min(x for x in samples if fraction(x) >= p * len(samples))
    return out
