"""C text of pointwise layers: the generator's plain kernel, and tiles put together by a program."""

import itertools

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.c_code import loops
from labs.mcu_compression.kernel_bench import SIGNATURE

TILE = 2  # places and outputs of a tile: four sums and their words fit into the registers


def pointwise_source(places: int, inputs: int, outputs: int, x_zero: int, y_zero: int) -> str:
    """Return a call of `c_code.loops`'s convolution with these sizes.

    Parameters
    ----------
    places, inputs, outputs
        Sizes of the layer.
    x_zero, y_zero
        Zero points of input and output.
    """
    sizes = f"1, {places}, {inputs}, 1, {places}, {outputs}, 1, 1, 1, 1, 0, 0"
    call = f"convolution(x, y, {sizes}, w, b, m, s, {x_zero}, {y_zero}, -128, 127);"
    # Inlined, it is made for these sizes, and a profile counts it as pointwise.
    convolution = loops.CONVOLUTION.replace("__attribute__((noinline))", "inline")
    return f"{convolution}\n{SIGNATURE} {{\n  {call}\n}}\n"


def fold_zero_point(
    w: npt.NDArray[np.int8], b: npt.NDArray[np.int32], x_zero: int
) -> npt.NDArray[np.int32]:
    """Return biases that hold what the zero point of the input adds to every sum.

    Parameters
    ----------
    w
        (outputs, inputs).
    b
        (outputs,).
    x_zero
        Zero point of the input.
    """
    ones = np.full(w.shape[1], x_zero, np.float64)
    return (b - w.astype(np.float64) @ ones).astype(np.int32)


def fast_pointwise_source(places: int, inputs: int, outputs: int, y_zero: int) -> str:
    """Return a kernel for cores with SMLAD, in tiles of two places and two outputs.

    Parameters
    ----------
    places, inputs, outputs
        Sizes of the layer; a multiple of 4 inputs.
    y_zero
        Zero point of the output.
    """
    tile = list(itertools.product(range(TILE), repeat=2))
    # A tile that would reach beyond the end does its last place or output again.
    near = [f"int p{i} = p + {i} < {places} ? p + {i} : p;" for i in range(TILE)]
    near += [f"int o{j} = o + {j} < {outputs} ? o + {j} : o;" for j in range(TILE)]
    begin = [f"int32_t sum{i}{j} = b[o{j}];" for i, j in tile]
    load = [
        f"uint32_t {name}{i} = load4({name} + {at}{i} * {inputs} + k), "
        f"{name}a{i} = sxtb16({name}{i}), {name}b{i} = sxtb16_ror8({name}{i});"
        for (name, at), i in itertools.product((("x", "p"), ("w", "o")), range(TILE))
    ]
    add = [
        f"sum{i}{j} = smlad(x{half}{i}, w{half}{j}, sum{i}{j});"
        for half, (i, j) in itertools.product("ab", tile)
    ]
    ends = f"{y_zero}, -128, 127"
    end = [
        f"y[p{i} * {outputs} + o{j}] = requantize(sum{i}{j}, m[o{j}], s[o{j}], {ends});"
        for i, j in tile
    ]
    lines = [
        f"{SIGNATURE} {{",
        f"  for (int o = 0; o < {outputs}; o += {TILE})",
        f"    for (int p = 0; p < {places}; p += {TILE}) {{",
        *(f"      {line}" for line in (*near, *begin)),
        f"      for (int k = 0; k < {inputs}; k += 4) {{",
        *(f"        {line}" for line in (*load, *add)),
        "      }",
        *(f"      {line}" for line in end),
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"
