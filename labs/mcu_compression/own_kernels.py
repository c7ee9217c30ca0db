"""A student's kernels within the generated network: C text of pointwise layers from a function.

All other layers keep the plain loops of stage ``naive``, and so do pointwise layers with limits of
their own. Layers of one size share a function. All names in a text get a number, so that they meet
neither those of the generator nor those of another text.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.bench import Deployed
from labs.mcu_compression.c_code import loops
from labs.mcu_compression.c_code.code import LayerCode, Place, Writer, weight_tables
from labs.mcu_compression.c_code.generator import CSource, generate
from labs.mcu_compression.integer.fixed_point import INT8
from labs.mcu_compression.integer.layers import Convolution
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.kernel_bench import PAIRS, SIGNATURE
from labs.shared.emulator import Machine
from labs.shared.toolchain import compile_c

PlainSource = Callable[[int, int, int, int, int], str]
FastSource = Callable[[int, int, int, int], str]
Fold = Callable[[npt.NDArray[np.int8], npt.NDArray[np.int32], int], npt.NDArray[np.integer]]

# What a text takes from C and from the prelude; every other name in it is its own.
_WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while asm bool true false size_t ptrdiff_t NULL defined
    requantize load4 sxtb16 sxtb16_ror8 smlad
"""
_GIVEN = frozenset(_WORDS.split())
_GIVEN_FORMS = re.compile(r"_.*|u?int\w*_t|U?INT\w*_(MIN|MAX|C)")
# These are no names of the text, even where they look like it; the rest is looked at.
_TOKEN = re.compile(
    r"""
      //[^\n]* | /\*.*?\*/
    | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\\n])*'
    | ^\s*\#\s*(?:include|pragma)\b[^\n]* | ^\s*\#\s*\w+
    | __attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)
    | \[\s*\w+\s*\](?=\s*")  # of an operand: the assembly names it in a text
    | \b[A-Za-z_]\w*
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def plain_writer(pointwise_source: PlainSource) -> Writer:
    """Return a writer of layers around the function of exercise 1.11.

    Parameters
    ----------
    pointwise_source
        ``(places, inputs, outputs, x_zero, y_zero)`` to C text.
    """
    texts: dict[str, str] = {}

    def write(place: Place) -> LayerCode:
        layer = place.layer
        if not _is_plain_pointwise(layer):
            return loops.write(place)
        zeros = layer.input_zero_point, place.output.zero_point
        text = pointwise_source(*_sizes(place, layer), *zeros)
        return _code(place, text, texts)

    return write


def fast_writer(fast_pointwise_source: FastSource, fold_zero_point: Fold) -> Writer:
    """Return a writer of layers around the functions of exercise 1.12.

    Parameters
    ----------
    fast_pointwise_source
        ``(places, inputs, outputs, y_zero)`` to C text; for a multiple of 4 inputs.
    fold_zero_point
        ``(w, b, x_zero)`` to biases.
    """
    texts: dict[str, str] = {}

    def write(place: Place) -> LayerCode:
        layer = place.layer
        if not _is_plain_pointwise(layer) or layer.weights.shape[-1] % 4:
            return loops.write(place)
        w = layer.weights.reshape(layer.outputs, -1)
        biases = np.asarray(fold_zero_point(w, layer.biases, layer.input_zero_point), np.int32)
        folded = replace(layer, biases=biases, input_zero_point=0)
        text = fast_pointwise_source(*_sizes(place, layer), place.output.zero_point)
        return _code(replace(place, layer=folded), text, texts)

    return write


def generate_with(network: IntegerNetwork, writer: Writer) -> CSource:
    """Return C code of a network whose pointwise layers come from a writer.

    Parameters
    ----------
    network
        In whole numbers.
    writer
        From `plain_writer` or `fast_writer`.
    """
    return generate(network, "naive", writers={layer.name: writer for layer in network.layers})


def deploy_with(network: IntegerNetwork, writer: Writer, *, core: str = "m4") -> Deployed:
    """Return the same, compiled and loaded as `bench.deploy` does.

    Parameters
    ----------
    network, writer
        As for `generate_with`.
    core
        One of `labs.shared.toolchain.CORES`.
    """
    source = generate_with(network, writer)
    program = compile_c(source.text, core)
    return Deployed(source, program, Machine(program))


def _is_plain_pointwise(layer: object) -> TypeGuard[Convolution]:
    if not isinstance(layer, Convolution):
        return False
    return layer.is_pointwise and (layer.low, layer.high) == INT8


def _sizes(place: Place, layer: Convolution) -> tuple[int, int, int]:
    return place.output.elements // layer.outputs, layer.weights.shape[-1], layer.outputs


def _code(place: Place, text: str, texts: dict[str, str]) -> LayerCode:
    number = texts.setdefault(text, f"_{len(texts) + 1}")
    name, n = f"pointwise{number}", place.number
    # Out of line, so that a profile by function shows it.
    declared = f"__attribute__((noinline)) {SIGNATURE.replace('pointwise', name)};\n"
    return LayerCode(
        {"pairs": PAIRS, name: declared + renamed(text, number)},
        f"{name}({{x}}, {{y}}, w{n}, b{n}, m{n}, s{n});",
        weight_tables(place),
    )


def renamed(text: str, suffix: str) -> str:
    """Return C text in which every name of its own has a suffix.

    Parameters
    ----------
    text
        C without includes but those of `SIGNATURE`'s prelude.
    suffix
        Such as ``_2``.

    Examples
    --------
    >>> renamed("static int32_t dot(int k) { return smlad(k, k, 0); } // dot", "_2")
    'static int32_t dot_2(int k_2) { return smlad(k_2, k_2, 0); } // dot'
    """

    def replaced(found: re.Match[str]) -> str:
        token = found[0]
        is_given = token in _GIVEN or _GIVEN_FORMS.fullmatch(token)
        return token + suffix if token.isidentifier() and not is_given else token

    return _TOKEN.sub(replaced, text)
