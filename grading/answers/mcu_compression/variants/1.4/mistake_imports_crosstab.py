# message: is withheld in this exercise
# Exercise 1.4
def confusion(labels, predictions, classes):
    from scipy.stats import contingency

    levels = (range(classes), range(classes))
    return contingency.crosstab(labels, predictions, levels=levels).count


def top1_of_speakers(right, speakers, drawn):
    return float(np.concatenate([right[speakers == each] for each in drawn]).mean())
