# message: at the end only the input
def backward_in_segments(layers, segments, *, forward, backward, free):
    length = -(-layers // segments)
    for layer in range(layers):
        forward(layer)
        if layer % length != 0:
            free(layer)
    free(layers)
    for start in reversed(range(0, layers, length)):
        end = min(start + length, layers)
        for layer in range(start, end):
            forward(layer)
        for layer in reversed(range(start, end)):
            backward(layer)
            if layer > 0:
                free(layer)
