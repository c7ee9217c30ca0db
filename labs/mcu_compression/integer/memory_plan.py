"""Where activations lie: one arena in which tensors share space when they do not live together.

A tensor lives from the layer that writes it to the last one that reads it. Tensors are placed the
largest first, each at the lowest offset where nothing that lives at the same time is in the way.
Input and output of the network have arrays of their own and are not planned here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from labs.mcu_compression.integer.network import IntegerNetwork

ALIGNMENT = 4


@dataclass(frozen=True)
class MemoryPlan:
    """Offsets in the arena.

    Parameters
    ----------
    offsets
        Of each planned tensor, by its position in the network [B]; multiples of `ALIGNMENT`.
    activation_bytes
        Bytes that all of them take.
    scratch_bytes
        What the hungriest layer needs besides, behind the activations.
    """

    offsets: Mapping[int, int]
    activation_bytes: int
    scratch_bytes: int

    @property
    def arena_bytes(self) -> int:
        """All bytes of the arena."""
        return self.activation_bytes + self.scratch_bytes


def plan_memory(
    network: IntegerNetwork, *, in_place: Collection[int] = (), scratch_bytes: int = 0
) -> MemoryPlan:
    """Return a plan for the activations of a network.

    Parameters
    ----------
    network
        Layers in the order in which they run; chains, branches and residual connections.
    in_place
        Positions of layers that may write over their first input. They do where nobody reads it
        later and the output is not larger.
    scratch_bytes
        The most that a layer needs besides.

    Notes
    -----
    Greedy, so not always the smallest arena; never more than all tensors side by side.
    """
    homes = _homes(network, in_place)
    lives = _lives(network, homes)
    sizes = {
        home: max(aligned(network.tensors[t].elements) for t, h in homes.items() if h == home)
        for home in lives
    }
    places: dict[int, int] = {}
    for home in sorted(sizes, key=lambda each: (-sizes[each], each)):
        taken = sorted(
            (places[other], places[other] + sizes[other])
            for other in places
            if lives[other][0] <= lives[home][1] and lives[home][0] <= lives[other][1]
        )
        places[home] = _first_gap(taken, sizes[home])
    total = max((places[home] + sizes[home] for home in places), default=0)
    offsets = {tensor: places[home] for tensor, home in homes.items() if home in places}
    return MemoryPlan(offsets, total, aligned(scratch_bytes))


def aligned(size: int) -> int:
    """Return the next multiple of `ALIGNMENT`.

    Examples
    --------
    >>> aligned(5), aligned(8)
    (8, 8)
    """
    return -(-size // ALIGNMENT) * ALIGNMENT


def _homes(network: IntegerNetwork, in_place: Collection[int]) -> dict[int, int]:
    """Return for each tensor the one whose space it uses: itself, or what it writes over."""
    homes = {network.input: network.input, network.output: network.output}
    for number, layer in enumerate(network.layers):
        may = number in in_place and _is_free(network, number)
        homes.setdefault(layer.output, homes[layer.inputs[0]] if may else layer.output)
    return homes


def _is_free(network: IntegerNetwork, number: int) -> bool:
    """Return whether a layer finds its first input in the arena, large enough and for it alone."""
    layer = network.layers[number]
    source = layer.inputs[0]
    is_read_later = any(source in other.inputs for other in network.layers[number + 1 :])
    is_planned = not {source, layer.output} & {network.input, network.output}
    is_large = network.tensors[source].elements >= network.tensors[layer.output].elements
    return is_planned and is_large and not is_read_later


def _lives(network: IntegerNetwork, homes: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return the first and the last layer that needs each planned home, both included."""
    own = {network.input, network.output}
    lives: dict[int, tuple[int, int]] = {}
    for number, layer in enumerate(network.layers):
        for tensor in {*layer.inputs, layer.output} - own:
            first, _ = lives.get(homes[tensor], (number, number))
            lives[homes[tensor]] = (first, number)
    return lives


def _first_gap(taken: list[tuple[int, int]], size: int) -> int:
    """Return the lowest offset with room between intervals that are sorted by their start."""
    at = 0
    for start, end in taken:
        if start - at >= size:
            break
        at = max(at, end)
    return at
