"""Random small networks in whole numbers, for the tests of what computes them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from labs.mcu_compression.integer.layers import Convolution, Layer, Linear, Pool, Tensor
from labs.mcu_compression.integer.network import IntegerNetwork

KINDS = ("convolution", "depthwise", "pointwise")


@dataclass
class Chain:
    """A network in the making: each layer reads what the one before wrote."""

    rng: np.random.Generator
    tensors: list[Tensor]
    layers: list[Layer] = field(default_factory=list)

    def append(self, layer: type, shape: tuple[int, ...], **fields: Any) -> None:
        at, name = len(self.tensors), f"{layer.__name__} {len(self.layers)}"
        zero = fields.pop("zero", None)
        zero = self.zero_point() if zero is None else zero
        self.tensors.append(Tensor(name, shape, 0.1, zero))
        self.layers.append(layer(name, (at - 1,), at, **fields))

    def zero_point(self) -> int:
        usual = self.rng.integers(-100, 60, 5)
        return int(self.rng.choice([-128, 127, 0, *usual]))

    def codes(self, *shape: int) -> np.ndarray:
        """Weights, extreme ones among them."""
        weights = self.rng.integers(-127, 128, shape)
        return np.where(self.rng.random(shape) < 0.05, -128, weights).astype(np.int8)

    def scales(self, *, outputs: int, products: int) -> dict[str, np.ndarray]:
        """Biases and factors: most outputs fall within int8, some channels are dead or clipped."""
        rng = self.rng
        biases = rng.integers(-(2**12), 2**12, outputs)
        biases = np.where(rng.random(outputs) < 0.1, rng.integers(-(2**24), 2**24), biases)
        fitting = -7 - int(np.log2(products) / 2)
        shifts = fitting + rng.integers(-1, 3, outputs)
        shifts = np.where(rng.random(outputs) < 0.3, rng.integers(-20, 4, outputs), shifts)
        shifts = np.where(rng.random(outputs) < 0.05, -31, shifts)
        multipliers = rng.integers(2**30, 2**31, outputs)
        is_dead = rng.random(outputs) < 0.1
        multipliers, shifts = np.where(is_dead, 0, multipliers), np.where(is_dead, 0, shifts)
        arrays = {"biases": biases, "multipliers": multipliers, "shifts": shifts}
        return {name: array.astype(np.int32) for name, array in arrays.items()}

    def limits(self) -> dict[str, int]:
        zero = self.zero_point()
        ends = [(-128, 127), (zero, 127), (zero, min(127, zero + 60))]
        low, high = ends[self.rng.integers(3)] if zero < 60 else ends[0]
        return {"zero": zero, "low": int(low), "high": int(high)}

    def convolution(
        self, kind: str, *, outputs: int, size: tuple[int, int], stride: tuple[int, int]
    ) -> None:
        height, width, channels = self.tensors[-1].shape
        if kind == "pointwise":
            size, stride, padding = (1, 1), (1, 1), (0, 0, 0, 0)
        else:
            # Enough around a small input for at least one output; more on one side than the other.
            around = [self.rng.integers(0, n) if n > 1 else 0 for n in (*size, *size)]
            missing = [max(0, n - have) for n, have in zip(size, (height, width), strict=True)]
            padding = tuple(int(n) for n in (around[0], around[2], around[1], around[3]))
            padding = (padding[0] + missing[0], padding[1], padding[2] + missing[1], padding[3])
        rows = (height + padding[0] + padding[1] - size[0]) // stride[0] + 1
        columns = (width + padding[2] + padding[3] - size[1]) // stride[1] + 1
        groups = channels if kind == "depthwise" and channels > 1 else 1
        inputs = channels // groups
        outputs = groups * (1 + outputs // 7) if groups > 1 else outputs
        zero = self.tensors[-1].zero_point
        self.append(
            Convolution,
            (rows, columns, outputs),
            weights=self.codes(outputs, *size, inputs),
            **self.scales(outputs=outputs, products=size[0] * size[1] * inputs),
            **self.limits(),
            input_zero_point=zero,
            padding_code=zero,
            stride=stride,
            padding=padding,
            groups=groups,
        )

    def average(self) -> None:
        height, width, channels = self.tensors[-1].shape
        size, zero = (height, width), self.tensors[-1].zero_point
        self.append(Pool, (1, 1, channels), kind="average", size=size, stride=size, zero=zero)

    def linear(self, outputs: int) -> None:
        elements = self.tensors[-1].elements
        self.append(
            Linear,
            (outputs,),
            weights=self.codes(outputs, elements),
            **self.scales(outputs=outputs, products=elements),
            **self.limits(),
            input_zero_point=self.tensors[-1].zero_point,
        )


@st.composite
def networks(draw: st.DrawFn) -> IntegerNetwork:
    """Up to three convolutions of any kind, then perhaps an average, then perhaps a linear one."""
    sizes = st.integers(1, 6)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(sizes), draw(sizes), draw(st.integers(1, 9)))
    made = Chain(rng, [Tensor("input", shape, 0.1, 0)])
    made.tensors[0] = Tensor("input", shape, 0.1, made.zero_point())
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=3)):
        size, stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4))), draw(STRIDES)
        made.convolution(kind, outputs=draw(st.integers(1, 9)), size=size, stride=stride)
    if draw(st.booleans()):
        made.average()
    if draw(st.booleans()) or not made.layers:
        made.linear(draw(st.integers(1, 6)))
    return IntegerNetwork("random", tuple(made.tensors), tuple(made.layers), 0, len(made.layers))


STRIDES = st.tuples(st.integers(1, 3), st.integers(1, 3))


def inputs_for(network: IntegerNetwork, *, seed: int = 0) -> np.ndarray:
    """Codes to try: random ones, and the ends alone and in turn."""
    shape = network.tensors[network.input].shape
    random = np.random.default_rng(seed).integers(-128, 128, (3, *shape))
    turns = np.where(np.arange(np.prod(shape)) % 2, -128, 127).reshape(shape)
    ends = [np.full(shape, -128), np.full(shape, 127), turns]
    return np.concatenate([random, ends]).astype(np.int8)


@st.composite
def graphs(draw: st.DrawFn) -> IntegerNetwork:
    """Layers that compute nothing, with one or two inputs from anywhere before, of any size."""
    count = draw(st.integers(1, 9))
    layers = []
    for number in range(count):
        sources = st.integers(0, number)
        inputs = draw(st.lists(sources, min_size=1, max_size=2, unique=True))
        layers.append(Layer(f"layer {number}", tuple(inputs), number + 1))
    tensors = [Tensor(f"{n}", (draw(st.integers(1, 40)),), 1.0, 0) for n in range(count + 1)]
    return IntegerNetwork("graph", tuple(tensors), tuple(layers), 0, count)
