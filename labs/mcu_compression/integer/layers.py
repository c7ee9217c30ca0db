"""The layers of a network in whole numbers, as data.

Each layer names the tensors that it reads and writes by their position in the network. What a layer
computes is in `operators`; passes make new layers of old ones; nothing here computes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import INT8

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Tensor:
    """What flows between layers, for one clip.

    Parameters
    ----------
    name
        For tables and comments in C.
    shape
        (height, width, channels), stored in this order, or (elements,).
    scale, zero_point
        A code stands for ``scale * (code - zero_point)``.
    """

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def elements(self) -> int:
        """Number of codes."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, eq=False)
class Layer:
    """One operation of the network; its kinds are the classes below.

    Parameters
    ----------
    name
        Such as ``depthwise 2``.
    inputs, output
        Positions of its tensors in the network.
    """

    name: str
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True, eq=False)
class Weighted(Layer):
    """A layer with weights: sums of products, requantised for each output channel.

    Parameters
    ----------
    weights
        int8, see the kinds.
    biases
        int32, (out,).
    multipliers, shifts
        int32, (out,), of the factor input scale * weight scale / output scale.
    input_zero_point
        Subtracted from each input code; 0 once a pass has folded it into the biases.
    low, high
        Ends of the output codes: activation functions are limits here.
    """

    weights: Codes
    biases: npt.NDArray[np.int32]
    multipliers: npt.NDArray[np.int32]
    shifts: npt.NDArray[np.int32]
    input_zero_point: int
    low: int = INT8[0]
    high: int = INT8[1]

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return len(self.weights)


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """A convolution; weights (out, height, width, in / groups).

    Parameters
    ----------
    stride
        Rows and columns from one output to the next.
    padding
        Rows and columns around the input: top, bottom, left, right.
    padding_code
        The code that stands there: the zero point of the input.
    groups
        1, or the number of input channels (depthwise; output c then reads input
        ``c // (out / in)``).
    """

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    padding_code: int = 0
    groups: int = 1

    @property
    def is_depthwise(self) -> bool:
        """Whether each output channel reads one input channel alone."""
        return self.groups > 1

    @property
    def is_pointwise(self) -> bool:
        """Whether each output place reads the same place of the input alone."""
        is_small = self.weights.shape[1:3] == (1, 1) and self.stride == (1, 1)
        return is_small and not any(self.padding) and not self.is_depthwise


@dataclass(frozen=True, eq=False)
class Linear(Weighted):
    """A fully connected layer; weights (out, in), the input taken in its stored order."""


@dataclass(frozen=True, eq=False)
class Pool(Layer):
    """The average or the largest of each channel over windows; scales stay as they are.

    Parameters
    ----------
    kind
        ``"average"`` or ``"max"``.
    size, stride
        Rows and columns of a window, and from one to the next.
    padding
        Top, bottom, left, right; what lies outside does not count.
    low, high
        Ends of the output codes.
    """

    kind: str
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    low: int = INT8[0]
    high: int = INT8[1]


@dataclass(frozen=True, eq=False)
class Mean(Layer):
    """The mean of each channel over all places, in the scale of the output.

    Parameters
    ----------
    multiplier, shift
        Of the factor input scale / output scale / places.
    """

    multiplier: int
    shift: int


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The sum of two tensors of one shape, each with a scale of its own.

    Parameters
    ----------
    multipliers, shifts
        Three each: of the first input, of the second, and of the output; see `operators`.
    low, high
        Ends of the output codes.
    """

    multipliers: tuple[int, int, int]
    shifts: tuple[int, int, int]
    low: int = INT8[0]
    high: int = INT8[1]


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """Probabilities along the last axis, in steps of 1/256, where code -128 is zero.

    Parameters
    ----------
    exponentials
        int32, (256,): ``exp(-steps * scale) * 2**31`` for 0 to 255 steps below the largest code, as
        `softmax.exponentials` makes it.
    """

    exponentials: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """The same codes in another shape."""


@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """The input with a border of one code.

    Parameters
    ----------
    padding
        Rows and columns: top, bottom, left, right.
    code
        What stands there: the zero point.
    """

    padding: tuple[int, int, int, int]
    code: int
