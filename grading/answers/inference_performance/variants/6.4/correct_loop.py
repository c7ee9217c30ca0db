def overhead_and_work(rows, times_s):
    a = b = c = d = e = 0.0
    for n, t in zip(rows, times_s):
        a += 1 / t**2
        b += n / t**2
        c += n * n / t**2
        d += 1 / t
        e += n / t
    determinant = a * c - b * b
    return [(d * c - e * b) / determinant, (a * e - b * d) / determinant]
