# message: left + right as text
import hashlib


def merkle_levels(leaves):
    levels = [list(leaves)]
    while len(levels[-1]) != 1:
        below = levels[-1]
        above = [
            hashlib.sha256((b + a).encode()).hexdigest() for a, b in zip(below[::2], below[1::2])
        ]
        levels.append(above + below[len(below) // 2 * 2 :])
    return levels


def changed_leaves(levels, ask):
    def walk(level, index):
        if ask(level, index) == levels[level][index]:
            return []
        if level == 0:
            return [index]
        found = []
        for child in (2 * index, 2 * index + 1):
            if child < len(levels[level - 1]):
                found += walk(level - 1, child)
        return found

    return walk(len(levels) - 1, 0)
