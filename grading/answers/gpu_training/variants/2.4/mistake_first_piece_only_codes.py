# message: not the same
import numpy as np


def accumulated_gradients(gradient_of, batch, *, size):
    x, y = batch
    total, loss, gradients = np.sum(y != -100), 0.0, None
    for first in range(0, len(x), size):
        targets = y[first : first + size]
        counted = np.sum(targets != -100)
        if counted == 0:
            continue
        piece_loss, piece = gradient_of(x[: len(targets)], targets)
        share = counted / total
        loss += share * piece_loss
        added = [share * gradient for gradient in piece]
        gradients = added if gradients is None else [a + b for a, b in zip(gradients, added)]
    return loss, gradients
