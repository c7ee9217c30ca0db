import math


def backward_in_segments(layers, segments, *, forward, backward, free):
    length = math.ceil(layers / segments)
    starts = list(range(0, layers, length))
    for layer in range(layers):
        forward(layer)
        if layer not in starts and layer < starts[-1]:
            free(layer)
    for layer in range(layers - 1, -1, -1):
        if layer + 1 < layers and layer % length == length - 1:
            for again in range(layer - length + 1, layer):
                forward(again)
        backward(layer)
        free(layer + 1)
