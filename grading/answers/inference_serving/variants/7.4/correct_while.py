from collections import deque


def schedule(waiting, running, *, cache_tokens, most_running):
    need = lambda r: r["prompt"] + r["output"]  # noqa: E731
    done = [r for r in running if not r["made"] < r["output"]]
    batch = [r for r in running if r not in done]
    line = deque(r for r in waiting if need(r) <= cache_tokens)
    came = []
    while line and len(batch) < most_running:
        if sum(map(need, batch)) + need(line[0]) > cache_tokens:
            break
        batch.append(line[0])
        came.append(line.popleft()["id"])
    refuse = tuple(r["id"] for r in waiting if need(r) > cache_tokens)
    return {"leave": [r["id"] for r in done], "admit": came, "refuse": refuse}
