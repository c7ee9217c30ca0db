from itertools import takewhile


def next_action(life, now_s, first_s=2, most_s=16, tries=8):
    since = [what for _, what in takewhile(lambda pair: pair[1] != "online", life[::-1])]
    if not since:
        return "wait"
    refused, waited_s = since.count("refused"), now_s - life[-1][0]
    match since[0]:
        case "lost":
            return "restart"
        case "started":
            return "wait" if waited_s < 60 else "restart"
        case _ if refused >= tries:
            return "give up"
    return "wait" if waited_s < min(first_s * 2.0 ** (refused - 1), most_s) else "restart"


def count_answers(asked, answers):
    good, failed, silent = [], [], []
    for client in asked:
        own = [answer for answer in answers if answer["client"] == client]
        if not own:
            silent.append(client)
        elif own[0]["error"] or own[0]["samples"] < 1:
            failed.append(client)
        else:
            good.append(client)
    return {"good": len(good), "failed": len(failed), "silent": len(silent)}


def roll_back(accuracies, saved, tolerance):
    pairs = [(each, accuracies[each]) for each in saved if each in accuracies]
    pairs = [(each, value) for each, value in pairs if -1e300 < value < 1e300]
    if not pairs:
        return None
    best = max(value for _, value in pairs)
    return max(each for each, value in pairs if value >= best - tolerance)
