def confusion(labels, predictions, classes):
    table = [[0] * classes for _ in range(classes)]
    for label, prediction in zip(labels, predictions):
        table[int(label)][int(prediction)] += 1
    return table


def top1_of_speakers(right, speakers, drawn):
    hits = clips = 0
    for speaker in drawn:
        for k in range(len(speakers)):
            if speakers[k] == speaker:
                hits += bool(right[k])
                clips += 1
    return hits / clips
