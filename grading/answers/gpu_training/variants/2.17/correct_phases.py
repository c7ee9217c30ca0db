import math


def goodput(work_s, interval_s, save_s, restart_s, failures):
    clock, saved, number = 0.0, 0.0, 0

    def lasts(seconds):
        """Let a phase pass; False if a failure cuts it short."""
        nonlocal clock, number
        if number < len(failures) and failures[number] < clock + seconds:
            clock = failures[number]
            number += 1
            return False
        clock += seconds
        return True

    is_up = True
    while True:
        if not is_up and not lasts(restart_s):
            continue
        piece = min(interval_s, work_s - saved)
        if saved + piece == work_s:
            is_up = lasts(piece)
            if is_up:
                return work_s / clock
            continue
        is_up = lasts(piece) and lasts(save_s)
        saved += piece if is_up else 0


def checkpoint_interval_s(save_s, mtbf_s, ranks):
    return math.sqrt(2 * save_s * mtbf_s / ranks)
