# message: no layer runs forward more than twice
def backward_in_segments(layers, segments, *, forward, backward, free):
    for layer in range(layers):
        forward(layer)
        if layer:
            free(layer)
    free(layers)
    for layer in reversed(range(layers)):
        for again in range(layer):
            forward(again)
            if again:
                free(again)
        backward(layer)
        if layer:
            free(layer)
