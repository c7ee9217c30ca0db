# message: hold at most 7 activations
def backward_in_segments(layers, segments, *, forward, backward, free):
    for layer in range(layers):
        forward(layer)
    for layer in reversed(range(layers)):
        free(layer + 1)
        backward(layer)
