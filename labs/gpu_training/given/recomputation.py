"""A stand-in for the function of exercise 2.6, which looks for the nearest activation held."""

from collections.abc import Callable

__all__ = ["backward_in_segments"]

Action = Callable[[int], object]


def backward_in_segments(
    layers: int, segments: int, *, forward: Action, backward: Action, free: Action
) -> None:
    """Run forward and backward passes; before each backward, what is missing is computed again.

    Parameters
    ----------
    layers
        Of the chain.
    segments
        Whose inputs are kept, 1 to `layers`.
    forward, backward, free
        What can be done with a layer or an activation, by number.
    """
    length = -(-layers // segments)
    for layer in range(layers):
        forward(layer)
        if layer % length:
            free(layer)
    free(layers)
    held = set(range(0, layers, length))
    for layer in reversed(range(layers)):
        for missing in range(max(each for each in held if each <= layer), layer):
            forward(missing)
            held.add(missing + 1)
        backward(layer)
        if layer:
            free(layer)
            held.remove(layer)
