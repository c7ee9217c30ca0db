import math


def goodput(work_s, interval_s, save_s, restart_s, failures):
    def end(start_s, left_s, coming):
        pieces = math.ceil(left_s / interval_s)
        end_s = start_s + left_s + (pieces - 1) * save_s
        if not coming or end_s <= coming[0]:
            return end_s
        room_s = max(0.0, coming[0] - start_s)
        done = min(pieces - 1, int(room_s // (interval_s + save_s)))
        return end(coming[0] + restart_s, left_s - done * interval_s, coming[1:])

    return work_s / end(0.0, work_s, tuple(failures))


def checkpoint_interval_s(save_s, mtbf_s, ranks):
    return math.exp(0.5 * math.log(2 * save_s * mtbf_s / ranks))
