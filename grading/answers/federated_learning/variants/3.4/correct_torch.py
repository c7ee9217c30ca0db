import torch


def update_cosine(updates):
    unit = torch.nn.functional.normalize(torch.as_tensor(updates), dim=1)
    clients = len(unit)
    both = unit @ unit.T
    return (both.sum() - both.diagonal().sum()) / (clients * (clients - 1))


def client_steps(gradient, start, *, steps, learning_rate, mu=0.0, correction=0.0):
    sent = torch.as_tensor(start)
    weights, extra = sent.clone(), torch.as_tensor(correction)
    for _ in range(steps):
        slope = torch.as_tensor(gradient(weights.numpy().copy()))
        pull = learning_rate * mu * (weights - sent)
        weights = weights.sub(slope + extra, alpha=learning_rate).sub(pull)
    return weights


def new_variate(start, end, *, steps, learning_rate, variates):
    common, own, first, last = (torch.as_tensor(x) for x in (*variates, start, end))
    return own.sub(common).add(first.sub(last), alpha=1 / (learning_rate * steps))


def fed_adam(weights, update, *, state, learning_rate):
    change = torch.as_tensor(update)
    mean = torch.as_tensor(state["mean"]).lerp(change, 0.1)
    square = torch.as_tensor(state["square"]).lerp(change.square(), 0.01)
    new = torch.as_tensor(weights) + learning_rate * mean / (square.sqrt() + 0.001)
    return new, {"mean": mean, "square": square}
