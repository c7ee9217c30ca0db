import numpy as np


def leaked_rows(train, test):
    rows = train.tolist()
    return [i for i in range(len(test)) if test[i].tolist() in rows]


def step_fault(gradients, updates, learning_rate):
    total, own, summed = np.zeros(gradients.shape[1]), True, True
    near = np.abs(updates).max() / 100
    for gradient, update in zip(gradients, updates):
        total = total + gradient
        own = own and np.all(np.abs(update + learning_rate * gradient) <= near)
        summed = summed and np.all(np.abs(update + learning_rate * total) <= near)
    if own:
        return "none"
    if summed:
        return "accumulated"
    factor = np.linalg.lstsq(gradients.reshape(-1, 1), updates.reshape(-1), rcond=None)[0]
    return "rate" if np.all(np.abs(updates - factor * gradients) <= near) else "other"


def depends_on_company(predict, inputs):
    together = predict(inputs)
    differences = [
        np.max(np.abs(np.asarray(predict(inputs[[i]]))[0] - together[i]))
        for i in range(len(inputs))
    ]
    return max(differences) > 0.001
