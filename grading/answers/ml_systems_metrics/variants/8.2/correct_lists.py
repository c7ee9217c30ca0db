from statistics import median


def find_levels(sizes_bytes, latency_ns, rise):
    clean = [min(latency_ns[i:]) for i in range(len(latency_ns))]
    plateaus = [[0]]
    for i in range(1, len(clean)):
        if clean[i] > rise * clean[i - 1]:
            plateaus.append([])
        plateaus[-1].append(i)
    return [[sizes_bytes[p[-1]], median(clean[i] for i in p)] for p in plateaus if len(p) > 2]
