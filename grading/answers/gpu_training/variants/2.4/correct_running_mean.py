import numpy as np


def accumulated_gradients(gradient_of, batch, *, size):
    x, y = batch
    mean_loss, mean_gradients, seen = 0.0, None, 0
    while len(x):
        now, x = x[:size], x[size:]
        targets, y = y[:size], y[size:]
        loss, gradients = gradient_of(now, targets)
        count = np.count_nonzero(targets != -100)
        if count == 0:  # asked for, and not used
            continue
        seen += count
        rate = count / seen
        mean_loss = (1 - rate) * mean_loss + rate * loss
        if mean_gradients is None:
            mean_gradients = [np.zeros_like(each) for each in gradients]
        mean_gradients = [m + rate * (g - m) for m, g in zip(mean_gradients, gradients)]
    return mean_loss, mean_gradients
