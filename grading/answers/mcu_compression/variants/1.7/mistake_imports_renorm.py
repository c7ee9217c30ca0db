# message: is withheld in this exercise
# Exercise 1.7
def magnitude_mask(weights, sparsity):
    order = np.argsort(np.abs(weights), axis=None)
    keep = round((1 - sparsity) * order.size)
    mask = np.zeros(order.size, dtype=bool)
    mask[order[order.size - keep :]] = True
    return mask.reshape(weights.shape)


def strongest_channels(weights, keep):
    norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    return np.sort(np.argsort(-norms)[:keep])


def shrink_groups(weights, threshold):
    x = torch.tensor(weights)
    return (x - x.clone().renorm_(2, 0, threshold)).numpy()
