# message: 17 tokens are free: who is refused
def schedule(waiting, running, *, cache_tokens, most_running):
    def tokens(request):
        return request["prompt"] + request["output"]

    leave = [r["id"] for r in running if r["made"] >= r["output"]]
    staying = [r for r in running if r["made"] < r["output"]]
    refuse = [r["id"] for r in waiting if tokens(r) > cache_tokens]
    used = sum(tokens(r) for r in staying)
    places = most_running - len(staying)
    admit = []
    for r in waiting:
        if r["id"] in refuse:
            continue
        if places == 0 or used + tokens(r) > cache_tokens:
            refuse.append(r["id"])
            continue
        admit.append(r["id"])
        used += tokens(r)
        places -= 1
    return {"leave": leave, "admit": admit, "refuse": refuse}
