# message: you say
import numpy as np


def next_action(life, now_s, first_s=2, most_s=16, tries=8):
    at_s, last = life[-1]
    if last == "online":
        return "wait"
    if last == "started":
        return "restart" if now_s - at_s >= 60 else "wait"
    refusals = 0
    for _, what in life:
        refusals = 0 if what == "online" else refusals + (what == "refused")
    if refusals >= tries:
        return "give up"
    pause_s = min(first_s * 2 ** (refusals - 1), most_s) if last == "refused" else 0
    return "restart" if now_s - at_s >= pause_s else "wait"


def count_answers(asked, answers):
    first = {}
    for answer in answers:
        first.setdefault(answer["client"], answer)
    counts = {"good": 0, "failed": 0, "silent": 0}
    for client in asked:
        answer = first.get(client)
        is_good = answer is not None and not answer["error"] and answer["samples"] > 0
        counts["silent" if answer is None else "good" if is_good else "failed"] += 1
    return counts


def roll_back(accuracies, saved, tolerance):
    known = {r: accuracies[r] for r in saved if np.isfinite(accuracies.get(r, np.nan))}
    best = max(known.values(), default=0)
    good = [r for r, a in known.items() if a >= best - tolerance]
    return good[-1] if good else None
