from itertools import accumulate


def schedule(waiting, running, *, cache_tokens, most_running):
    leave, used, places = [], 0, most_running
    for r in running:
        if r["made"] == r["output"]:
            leave.append(r["id"])
        else:
            used += r["prompt"] + r["output"]
            places -= 1
    sizes = {r["id"]: r["prompt"] + r["output"] for r in waiting}
    possible = [i for i, size in sizes.items() if size <= cache_tokens]
    totals = list(accumulate((sizes[i] for i in possible), initial=used))[1:]
    admit = [
        i
        for place, (i, total) in enumerate(zip(possible, totals, strict=True))
        if total <= cache_tokens and place < places
    ]
    refuse = [i for i in sizes if i not in possible]
    return {"refuse": refuse, "admit": admit, "leave": leave}
