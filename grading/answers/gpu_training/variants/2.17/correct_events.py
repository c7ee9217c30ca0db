import math

import numpy as np


def goodput(work_s, interval_s, save_s, restart_s, failures):
    clock, saved = 0.0, 0.0
    for failure in [*failures, math.inf]:
        while saved < work_s:
            left = work_s - saved
            if left <= interval_s:
                if clock + left <= failure:
                    return work_s / (clock + left)
                break
            if clock + interval_s + save_s > failure:
                break
            clock += interval_s + save_s
            saved += interval_s
        clock = failure + restart_s


def checkpoint_interval_s(save_s, mtbf_s, ranks):
    return np.sqrt(2 * save_s * (mtbf_s / ranks))
