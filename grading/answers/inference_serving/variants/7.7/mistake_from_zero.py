# message: the same, 8 ms later
def keep(waiting, *, now_ms, objective_ms):
    kept = []
    free_ms = 0
    for each in waiting:
        first_ms = free_ms + each["prefill_ms"]
        if first_ms - each["arrival_ms"] > objective_ms:
            continue
        free_ms = first_ms
        kept.append(each["id"])
    return kept
