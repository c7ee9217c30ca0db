"""Depthwise layers of the fast stage: one channel at a time, two columns an instruction.

A channel is taken out of the input into a plane of half-words with its padding around it; so the
output may lie over the input. With a stride of 1 the plane is read as words, two columns each.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from labs.mcu_compression.c_code import fast_parts as parts
from labs.mcu_compression.c_code import fast_text as text
from labs.mcu_compression.c_code.code import LayerCode, Place
from labs.mcu_compression.integer.layers import Convolution

BLOCK = 4  # columns that a wide layer computes at a time
WIDEST = 6  # columns that it computes all at once
INDENT = 6


@dataclass(frozen=True)
class Geometry:
    """The sizes of a depthwise layer, by the names that the C templates have for them.

    Parameters
    ----------
    height, width, channels
        Of the input.
    rows, columns, outputs
        Of the output.
    kernel_height, kernel_width, stride_down, stride_across
        Of the filter.
    top, left, padding_code
        What lies around the input.
    """

    height: int
    width: int
    channels: int
    rows: int
    columns: int
    outputs: int
    kernel_height: int
    kernel_width: int
    stride_down: int
    stride_across: int
    top: int
    left: int
    padding_code: int

    @property
    def is_paired(self) -> bool:
        """Whether neighbouring columns share words of the plane."""
        return (self.stride_down, self.stride_across) == (1, 1)

    @property
    def plane_height(self) -> int:
        """Rows of the plane that the filter reads."""
        return (self.rows - 1) * self.stride_down + self.kernel_height

    @property
    def plane_width(self) -> int:
        """Half-words of a row of the plane."""
        if self.is_paired:
            return 2 * self.words(self.columns)
        return (self.columns - 1) * self.stride_across + self.kernel_width

    @property
    def multiple(self) -> int:
        """Output channels of each input channel."""
        return self.outputs // self.channels

    def words(self, columns: int) -> int:
        """Return how many words of a row so many columns read, the first of them even."""
        return (columns - 1) // 2 + self.kernel_width // 2 + 1


def geometry_of(place: Place, layer: Convolution) -> Geometry:
    """Return the sizes of a depthwise layer."""
    top, _, left, _ = layer.padding
    (height, width, channels), (rows, columns, outputs) = place.inputs[0].shape, place.output.shape
    return Geometry(
        height=height,
        width=width,
        channels=channels,
        rows=rows,
        columns=columns,
        outputs=outputs,
        kernel_height=layer.weights.shape[1],
        kernel_width=layer.weights.shape[2],
        stride_down=layer.stride[0],
        stride_across=layer.stride[1],
        top=top,
        left=left,
        padding_code=layer.padding_code,
    )


def write(place: Place, layer: Convolution) -> LayerCode:
    """Return the code of a depthwise layer for which `fast.is_exact` holds."""
    geometry = geometry_of(place, layer)
    rescale, functions = parts.rescale_function(place, layer)
    sizes = asdict(geometry) | {"plane_width": geometry.plane_width, "rescale": rescale}
    if geometry.is_paired:
        functions = functions | {"doubled_pair": text.PAIR}
        columns = "\n".join(" " * INDENT + line for line in _columns(geometry, rescale))
    else:
        columns = parts.filled(text.FILTER_PLAIN, **sizes)
    name = _name(geometry, rescale)
    body = parts.filled(
        text.DEPTHWISE,
        name=name,
        filter=columns,
        zero=place.output.zero_point,
        plane_height=geometry.plane_height,
        height_read=min(geometry.height, geometry.plane_height - geometry.top),
        width_read=min(geometry.width, geometry.plane_width - geometry.left),
        copies=geometry.multiple,
        **sizes,
    )
    return LayerCode(
        functions | {name: body},
        parts.call(place, name),
        parts.tables(place, layer, weights=layer.weights[..., 0]),
        scratch_bytes=2 * geometry.plane_height * geometry.plane_width,
        is_in_place=geometry.multiple == 1
        and geometry.rows * geometry.columns <= geometry.height * geometry.width,
    )


def _name(geometry: Geometry, rescale: str) -> str:
    """Return a name that no other function of the file has: short for the commonest kind."""
    size = f"{geometry.height}x{geometry.width}x{geometry.channels}"
    name = f"depthwise_{geometry.kernel_height}x{geometry.kernel_width}_of_{size}"
    common = Geometry(
        **asdict(geometry)
        | {"rows": geometry.height, "columns": geometry.width, "outputs": geometry.channels}
        | {"stride_down": 1, "stride_across": 1, "padding_code": -128}
        | {"top": geometry.kernel_height // 2, "left": geometry.kernel_width // 2}
    )
    if geometry == common and rescale == "rescale":
        return name
    rest = (*asdict(geometry).values(),)
    return "_".join([name, *map(parts.named, rest), rescale])


def _columns(geometry: Geometry, rescale: str) -> Iterator[str]:
    """Yield the loop over rows with SMLAD on pairs of columns, in blocks of neighbouring columns.

    A column whose number is even reads pairs that begin with its first weight; an odd one reads the
    pairs of the column before, so its weights begin with a 0.
    """
    whole, rest = divmod(geometry.columns, BLOCK)
    if geometry.columns <= WIDEST:
        whole, rest = 0, geometry.columns
    yield from _weights(geometry)
    yield f"for (int row = 0; row < {geometry.rows}; row++) {{"
    yield f"  const uint32_t *line = (const uint32_t *)plane + row * {geometry.plane_width // 2};"
    yield f"  int8_t *out = y + row * {geometry.columns * geometry.outputs};"
    if whole:
        yield f"  for (int block = 0; block < {whole}; block++) {{"
        yield from _block(geometry, BLOCK, rescale=rescale)
        yield f"    line += {BLOCK // 2}, out += {BLOCK * geometry.outputs};"
        yield "  }"
    if rest:
        yield "  {"
        yield from _block(geometry, rest, rescale=rescale)
        yield "  }"
    yield "}"


def _weights(geometry: Geometry) -> Iterator[str]:
    """Yield the words of weights: even0_1 is the second pair of row 0 for columns that are even."""
    width = geometry.kernel_width
    for i in range(geometry.kernel_height):
        row = [f"w[{i * width + j}]" for j in range(width)]
        for name, weights in (("even", row), ("odd", ["0", *row])):
            filled = [*weights, *["0"] * (len(weights) % 2)]
            pairs = zip(filled[0::2], filled[1::2], strict=True)
            for t, (low, high) in enumerate(pairs):
                yield f"uint32_t {name}{i}_{t} = doubled_pair({low}, {high});"


def _block(geometry: Geometry, columns: int, *, rescale: str) -> Iterator[str]:
    """Yield the statements that compute neighbouring columns of a row, the first of them even."""
    yield "    int32_t " + ", ".join(f"s{j} = bias" for j in range(columns)) + ";"
    pairs = {"even": (geometry.kernel_width + 1) // 2, "odd": geometry.kernel_width // 2 + 1}
    for i in range(geometry.kernel_height):
        first = i * geometry.plane_width // 2
        read = (f"x{i}_{t} = line[{first + t}]" for t in range(geometry.words(columns)))
        yield f"    uint32_t {', '.join(read)};"
        for j in range(columns):
            parity = ("even", "odd")[j % 2]
            for t in range(pairs[parity]):
                yield f"    s{j} = __smlad(x{i}_{j // 2 + t}, {parity}{i}_{t}, s{j});"
    for j in range(columns):
        value = f"{rescale}(s{j}, multiplier, shift, rounding)"
        yield f"    out[{j * geometry.outputs}] = {value};"
