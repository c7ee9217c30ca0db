import numpy as np


def next_action(life, now_s, first_s=2, most_s=16, tries=8):
    """Walk back to the last time that the node was online."""
    at_s, last = life[-1]
    refused, place = 0, len(life) - 1
    while place >= 0 and life[place][1] != "online":
        refused += life[place][1] == "refused"
        place -= 1
    if last == "online" or (last == "started" and now_s < at_s + 60):
        return "wait"
    if last == "refused":
        if refused >= tries:
            return "give up"
        pause_s = first_s
        for _ in range(refused - 1):
            pause_s = min(2 * pause_s, most_s)
        if now_s < at_s + min(pause_s, most_s):
            return "wait"
    return "restart"


def count_answers(asked, answers):
    seen, good, failed = set(), 0, 0
    for answer in answers:
        client = answer["client"]
        if client in seen or client not in asked:
            continue
        seen.add(client)
        if answer["error"] == "" and answer["samples"] > 0:
            good += 1
        else:
            failed += 1
    return dict(good=good, failed=failed, silent=len(asked) - len(seen))


def roll_back(accuracies, saved, tolerance):
    rounds = np.array(sorted(saved), dtype=int)
    values = np.array([accuracies.get(int(each), np.nan) for each in rounds], dtype=float)
    values[~np.isfinite(values)] = -np.inf
    if not len(values) or values.max() == -np.inf:
        return None
    return int(rounds[values >= values.max() - tolerance][-1])
