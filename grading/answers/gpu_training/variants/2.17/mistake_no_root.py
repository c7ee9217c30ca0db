# message: square root of 2 x 50 s
def goodput(work_s, interval_s, save_s, restart_s, failures):
    clock_s, done_s, pause_s, coming = 0.0, 0.0, 0.0, list(failures)
    while done_s < work_s:
        piece_s = min(interval_s, work_s - done_s)
        is_last = done_s + piece_s >= work_s
        end_s = clock_s + pause_s + piece_s + (0 if is_last else save_s)
        if coming and coming[0] < end_s:
            clock_s, pause_s = coming.pop(0), restart_s
        else:
            clock_s, pause_s, done_s = end_s, 0.0, done_s + piece_s
    return work_s / clock_s


def checkpoint_interval_s(save_s, mtbf_s, ranks):
    return 2 * save_s * mtbf_s / ranks
