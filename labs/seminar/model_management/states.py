"""The state of a model: its tensors by name, as NumPy arrays.

A layer is what the names before the last dot have in common: ``fc.weight`` and ``fc.bias`` are the
layer ``fc``. Nothing is hashed or stored here.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

Array = npt.NDArray[np.generic]
State = dict[str, Array]


def state_of(model: nn.Module) -> State:
    """Return copies of the tensors of a network, parameters and buffers.

    Parameters
    ----------
    model
        On any device; its tensors are of types that NumPy knows.
    """
    return {name: t.detach().cpu().numpy().copy() for name, t in model.state_dict().items()}


def load_into(model: nn.Module, state: Mapping[str, Array]) -> None:
    """Put a state into a network that has exactly these tensors.

    Parameters
    ----------
    model
        Changed in place.
    state
        Name -> array, of the shapes that the network has.
    """
    model.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in state.items()})


def layer_of(name: str) -> str:
    """Return the layer of a tensor.

    Parameters
    ----------
    name
        Name of a tensor.

    Examples
    --------
    >>> layer_of("layer1.0.conv1.weight"), layer_of("scale")
    ('layer1.0.conv1', '')
    """
    return name.rpartition(".")[0]


def layers_of(state: Mapping[str, Array]) -> dict[str, State]:
    """Return the tensors of each layer, with their whole names, in the order of the state.

    Parameters
    ----------
    state
        Name -> array.
    """
    layers: dict[str, State] = {}
    for name, array in state.items():
        layers.setdefault(layer_of(name), {})[name] = array
    return layers


def size_bytes(state: Mapping[str, Array]) -> int:
    """Return the bytes of all tensors, without names and shapes.

    Parameters
    ----------
    state
        Name -> array.

    Examples
    --------
    >>> size_bytes({"a": np.zeros((2, 3), np.float32), "b": np.array(7)})
    32
    """
    return sum(array.nbytes for array in state.values())


def is_same(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Say whether two states have the same names, types, shapes and bytes.

    Parameters
    ----------
    one, other
        Name -> array. NaN equals NaN of the same bytes; 0.0 and -0.0 differ.
    """
    return one.keys() == other.keys() and all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for a, b in ((one[name], other[name]) for name in one)
    )
