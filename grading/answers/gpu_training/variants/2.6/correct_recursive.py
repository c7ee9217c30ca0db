def backward_in_segments(layers, segments, *, forward, backward, free):
    length = (layers + segments - 1) // segments

    def run(start):
        end = min(start + length, layers)
        for layer in range(start, end):
            forward(layer)
            if layer > start:
                free(layer)
        if end < layers:
            run(end)
        free(end)
        for layer in range(start, end - 1):
            forward(layer)
        for layer in range(end - 1, start, -1):
            backward(layer)
            free(layer)
        backward(start)

    run(0)
