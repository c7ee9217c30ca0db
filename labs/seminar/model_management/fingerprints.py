"""Hashes of tensors, layers and whole models; a model's hash is the root of a Merkle tree.

Two models are the same, tensor by tensor and bit by bit, if their roots are: a collision of
SHA-256 by chance is out of reach. It compares nothing and stores nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence

from labs.seminar.model_management.states import Array, layers_of


def tensor_hash(array: Array) -> str:
    r"""Return the SHA-256 of type, shape and bytes of a tensor.

    Parameters
    ----------
    array
        Any shape; hashed in C order and little-endian, however it lies in memory.

    Examples
    --------
    >>> import numpy as np
    >>> same = hashlib.sha256(b"uint8 2\n\x01\x02").hexdigest()
    >>> tensor_hash(np.array([1, 2], dtype=np.uint8)) == same
    True
    """
    shape = "x".join(str(side) for side in array.shape)
    digest = hashlib.sha256(f"{array.dtype.name} {shape}\n".encode())
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    # A contiguous tensor is hashed where it lies; tobytes would copy it first.
    digest.update(little.data if little.flags.c_contiguous and little.size else little.tobytes())
    return digest.hexdigest()


def layer_hash(tensors: Mapping[str, Array]) -> str:
    """Return the SHA-256 of the lines ``name hash`` of a layer's tensors, sorted by name.

    Parameters
    ----------
    tensors
        Name -> array.
    """
    lines = (f"{name} {tensor_hash(tensors[name])}\n" for name in sorted(tensors))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def layer_hashes(state: Mapping[str, Array]) -> dict[str, str]:
    """Return the hash of each layer of a state, in its order.

    Parameters
    ----------
    state
        Name -> array.
    """
    return {layer: layer_hash(tensors) for layer, tensors in layers_of(state).items()}


def merkle_levels(leaves: Sequence[str]) -> list[list[str]]:
    """Return the levels of the Merkle tree over some hashes, from the leaves to the root.

    Parameters
    ----------
    leaves
        Hashes as hexadecimal texts, at least one; a last one without a partner goes up unchanged.

    Examples
    --------
    >>> [len(level) for level in merkle_levels(["a", "b", "c"])]
    [3, 2, 1]
    """
    levels = [list(leaves)]
    while len(below := levels[-1]) > 1:
        joined = [below[i : i + 2] for i in range(0, len(below), 2)]
        levels.append(
            [hashlib.sha256("".join(two).encode()).hexdigest() if two[1:] else two[0]
             for two in joined]
        )  # fmt: skip
    return levels


def model_hash(layers: Mapping[str, str]) -> str:
    """Return the root of the Merkle tree over the hashes of a model's layers.

    Parameters
    ----------
    layers
        Layer -> hash, in the order of the model; `layer_hashes` makes them.
    """
    return merkle_levels(list(layers.values()))[-1][0]
