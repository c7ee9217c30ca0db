def _refusals(life):
    if not life or life[-1][1] == "online":
        return 0
    return _refusals(life[:-1]) + (1 if life[-1][1] == "refused" else 0)


def next_action(life, now_s, first_s=2, most_s=16, tries=8):
    at_s, last = life[-1]
    waited_s, count = now_s - at_s, _refusals(life)
    if last == "refused" and count >= tries:
        return "give up"
    limits = {
        "online": float("inf"),
        "started": 60,
        "lost": 0,
        "refused": min(most_s, first_s * 2 ** max(0, count - 1)),
    }
    return "wait" if waited_s < limits[last] else "restart"


def count_answers(asked, answers):
    kinds = {}
    for answer in reversed(answers):
        is_bad = bool(answer["error"]) or answer["samples"] == 0
        kinds[answer["client"]] = "failed" if is_bad else "good"
    found = [kinds.get(client, "silent") for client in asked]
    return {kind: found.count(kind) for kind in ("good", "failed", "silent")}


def roll_back(accuracies, saved, tolerance):
    usable = sorted(
        (each for each in saved if abs(accuracies.get(each, float("nan"))) < float("inf")),
        reverse=True,
    )
    for each in usable:
        if all(accuracies[other] - accuracies[each] <= tolerance for other in usable):
            return each
