def sort_out(low, high, better):
    def beats(a, b, mine, theirs):
        is_better = False
        for q, way in enumerate(better):
            x, y = mine[way][a][q], theirs[way][b][q]
            if x == y:
                continue
            if (x < y) == (way == "higher"):
                return False
            is_better = True
        return is_better

    worst = {"higher": low, "lower": high}
    finest = {"higher": high, "lower": low}
    everyone = range(len(low))
    words = []
    for i in everyone:
        if any(beats(j, i, worst, finest) for j in everyone if j != i):
            words.append("dominated")
        elif any(beats(j, i, finest, worst) for j in everyone if j != i):
            words.append("possibly")
        else:
            words.append("surely")
    return words
