def scheduled_latency(due_us, service_us):
    finish = [due_us[0] + service_us[0]]
    for i in range(1, len(due_us)):
        finish.append(max(finish[i - 1], due_us[i]) + service_us[i])
    return [f - d for f, d in zip(finish, due_us)]


def corrected(latencies_us, interval_us):
    def of(latency):
        rest = latency - interval_us
        return [latency, *(of(rest) if rest >= interval_us else [])]

    return sorted(x for latency in latencies_us for x in of(int(latency)))
