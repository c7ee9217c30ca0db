# message: out of turn
def backward_in_segments(layers, segments, *, forward, backward, free):
    length = -(-layers // segments)
    for layer in range(layers):
        forward(layer)
        if layer % length != 0:
            free(layer)
    free(layers)
    for start in range(0, layers, length):
        end = min(start + length, layers)
        for layer in range(start, end - 1):
            forward(layer)
        for layer in reversed(range(start, end)):
            backward(layer)
            if layer > 0:
                free(layer)
