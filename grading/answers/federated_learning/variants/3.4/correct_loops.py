import math


def update_cosine(updates):
    rows = [[float(x) for x in row] for row in updates]
    total, pairs = 0.0, 0
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            lengths = math.hypot(*rows[i]) * math.hypot(*rows[j])
            dot = sum(a * b for a, b in zip(rows[i], rows[j], strict=True))
            total += dot / lengths if lengths > 0 else 0.0
            pairs += 1
    return total / pairs


def client_steps(gradient, start, *, steps, learning_rate, mu=0.0, correction=0.0):
    weights = start.copy()
    while steps:
        slope = gradient(weights)
        slope = slope + correction
        slope = slope + mu * weights - mu * start
        weights = weights - learning_rate * slope
        steps -= 1
    return weights


def new_variate(start, end, *, steps, learning_rate, variates):
    c, own = variates
    new = []
    for i in range(len(start)):
        seen = (start[i] - end[i]) / learning_rate / steps
        new.append(float(seen - c[i] + own[i]))
    return new


def fed_adam(weights, update, *, state, learning_rate):
    new, means, squares = [], [], []
    for i, change in enumerate(update.tolist()):
        means.append(0.9 * float(state["mean"][i]) + 0.1 * change)
        squares.append(0.99 * float(state["square"][i]) + 0.01 * change * change)
        new.append(float(weights[i]) + learning_rate * means[-1] / (math.sqrt(squares[-1]) + 1e-3))
    return new, {"mean": means, "square": squares}
