def backward_in_segments(layers, segments, *, forward, backward, free):
    length = -(-layers // segments)
    held = {0}

    def drop(activation):
        held.discard(activation)
        free(activation)

    for layer in range(layers):
        forward(layer)
        held.add(layer + 1)
        if layer % length:
            drop(layer)
    drop(layers)
    for layer in range(layers - 1, -1, -1):
        known = layer
        while known not in held:
            known -= 1
        while known < layer:
            forward(known)
            known += 1
            held.add(known)
        backward(layer)
        if layer:
            drop(layer)
