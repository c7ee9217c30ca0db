# message: although its parent is the same
import hashlib


def merkle_levels(leaves):
    levels = [list(leaves)]
    while len(levels[-1]) != 1:
        below = levels[-1]
        above = [
            hashlib.sha256((a + b).encode()).hexdigest() for a, b in zip(below[::2], below[1::2])
        ]
        levels.append(above + below[len(below) // 2 * 2 :])
    return levels


def changed_leaves(levels, ask):
    return [i for i, leaf in enumerate(levels[0]) if ask(0, i) != leaf]
