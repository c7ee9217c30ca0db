def rounds_to(accuracies, target):
    best = -1.0
    for number, accuracy in enumerate(accuracies):
        if accuracy >= target:
            return 0.0 if number == 0 else number - (accuracy - target) / (accuracy - best)
        best = max(best, accuracy)
    return None


def bytes_to(accuracies, target, *, bytes_up, bytes_down):
    total = 0
    for number, accuracy in enumerate(accuracies):
        if accuracy >= target:
            return total
        if number < len(bytes_up):
            total += bytes_up[number] + bytes_down[number]
