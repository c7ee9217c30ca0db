# message: withheld
from sklearn.metrics import accuracy_score, confusion_matrix


def confusion(labels, predictions, classes):
    return confusion_matrix(labels, predictions, labels=range(classes))


def top1_of_speakers(right, speakers, drawn):
    times = (speakers[:, None] == drawn).sum(1)
    return accuracy_score([True] * len(right), right, sample_weight=times)
