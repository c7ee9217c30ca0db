def keep(waiting, *, now_ms, objective_ms):
    if not waiting:
        return []
    first, *others = waiting
    done_ms = now_ms + first["prefill_ms"]
    if done_ms <= first["arrival_ms"] + objective_ms:
        return [first["id"], *keep(others, now_ms=done_ms, objective_ms=objective_ms)]
    return keep(others, now_ms=now_ms, objective_ms=objective_ms)
