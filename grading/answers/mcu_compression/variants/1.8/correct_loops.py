def smooth(scores, window):
    out = []
    for i in range(len(scores)):
        rows = [scores[j] for j in range(i - window + 1, i + 1) if j >= 0]
        out.append([float(sum(column) / len(rows)) for column in zip(*rows)])
    return out


def error_rates(scores, is_keyword, threshold):
    rejected = accepted = keywords = others = 0
    for score, wanted in zip(scores, is_keyword):
        if wanted:
            keywords += 1
            if score < threshold:
                rejected += 1
        else:
            others += 1
            if score >= threshold:
                accepted += 1
    return [rejected / keywords if keywords else 0, accepted / others if others else 0]


def false_alarm_bound(count, hours, level=0.95):
    from scipy.optimize import brentq
    from scipy.stats import poisson

    mean = brentq(lambda m: poisson.cdf(count, m) - (1 - level), 1e-9, 20 + 5 * count)
    return mean / hours
