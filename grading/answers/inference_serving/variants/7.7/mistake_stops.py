# message: a long prompt in the middle
def keep(waiting, *, now_ms, objective_ms):
    kept = []
    free_ms = now_ms
    for each in waiting:
        first_ms = free_ms + each["prefill_ms"]
        if first_ms - each["arrival_ms"] > objective_ms:
            break
        free_ms = first_ms
        kept.append(each["id"])
    return kept
