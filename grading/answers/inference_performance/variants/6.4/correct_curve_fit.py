from scipy.optimize import curve_fit


def overhead_and_work(rows, times_s):
    def told(n, overhead_s, work_s):
        return overhead_s + n * work_s

    start = [times_s.min(), times_s.min() / rows.max()]
    best, _ = curve_fit(told, rows, times_s, p0=start, sigma=times_s)
    return float(best[0]), float(best[1])
