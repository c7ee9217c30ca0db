"""A network in whole numbers, and the reference that says what it computes.

`IntegerNetwork.run` is plain NumPy on int8 codes, with the arithmetic of TensorFlow Lite: C code
and emulators that run the same network must give the same codes. Passes make new networks of it,
and `labs.mcu_compression.c_code` makes C of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import clamped
from labs.mcu_compression.integer.layers import Codes, Layer, Tensor, Weighted
from labs.mcu_compression.integer.operators import compute


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """Layers in the order in which they run.

    Parameters
    ----------
    name
        For titles and comments in C.
    tensors
        All tensors; layers name them by position.
    layers
        Each reads tensors that are the input or the output of a layer before it.
    input, output
        Positions of the network's own input and output.
    """

    name: str
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    input: int
    output: int

    def run(self, codes: npt.ArrayLike) -> Codes:
        """Return the output codes, (batch, ...), of input codes, (batch, height, width, channels).

        Raises
        ------
        ValueError
            If the input is no int8 or has another shape.
        """
        *_, (_, last) = self.trace(codes)
        return last

    def trace(self, codes: npt.ArrayLike) -> Iterator[tuple[str, Codes]]:
        """Yield the input and what leaves each layer with its name, in order, the output last."""
        x = np.asarray(codes)
        want = self.tensors[self.input].shape
        if x.dtype != np.int8 or x.shape[1:] != want or not len(x):
            raise ValueError(f"input is {x.dtype} {x.shape}; give int8 (batch, {want})")
        values: dict[int, Codes] = {self.input: x}
        yield "input", x
        for layer in self.layers:
            inputs = [values[at] for at in layer.inputs]
            tensors = [self.tensors[at] for at in layer.inputs]
            output = self.tensors[layer.output]
            values[layer.output] = compute(layer, inputs, inputs=tensors, output=output)
            yield layer.name, values[layer.output]

    def codes(self, values: npt.ArrayLike) -> Codes:
        """Return the codes of real inputs, (batch, height, width, channels)."""
        tensor = self.tensors[self.input]
        exact = np.asarray(values, np.float64) / tensor.scale + tensor.zero_point
        return clamped(np.rint(exact).astype(np.int64))

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations for one clip."""
        return sum(macs_of(layer, self.tensors[layer.output]) for layer in self.layers)


def macs_of(layer: Layer, output: Tensor) -> int:
    """Return the multiply-accumulate operations of a layer for one clip."""
    if not isinstance(layer, Weighted):
        return 0
    places = output.elements // layer.outputs
    return places * layer.weights.size
