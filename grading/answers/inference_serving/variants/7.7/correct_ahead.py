def keep(waiting, *, now_ms, objective_ms):
    kept = []
    for each in waiting:
        ahead_ms = sum(other["prefill_ms"] for other in kept)
        deadline_ms = each["arrival_ms"] + objective_ms
        if now_ms + ahead_ms + each["prefill_ms"] <= deadline_ms:
            kept.append(each)
    return [each["id"] for each in kept]
