# message: samples support
def request_times(arrival_ms, token_ms):
    gaps = []
    for i in range(1, len(token_ms)):
        gaps.append(token_ms[i] - token_ms[i - 1])
    return token_ms[0] - arrival_ms, gaps


def percentiles(samples, percents):
    n = len(samples)
    ordered = sorted(samples)
    found = {}
    for p in percents:
        if n > 0:
            found[p] = ordered[-(-p * n // 100) - 1]
    return found
