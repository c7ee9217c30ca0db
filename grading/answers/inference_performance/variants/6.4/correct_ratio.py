import numpy as np


def overhead_and_work(rows, times_s):
    # told / t = overhead / t + work * n / t is to be 1: project one column out of the other two.
    one, ratio, target = 1 / times_s, rows / times_s, np.ones(len(rows))
    rest = ratio - (ratio @ one) / (one @ one) * one
    work_s = rest @ target / (rest @ rest)
    return (one @ (target - work_s * ratio)) / (one @ one), work_s
