"""Pointwise layers on single bits: packed weights, the reference, and C that counts bits.

Inputs are -1 or +1, weights -1, 0 or +1, so a product is +1 where the signs agree and -1 where they
differ, and a sum over 32 channels is one XOR and one count of bits:
``sum = inputs - 2 * differences``. Batch normalisation before the sign is one threshold a channel,
and that after the layer, its scale and the output's zero point are one multiplication and one
addition. `XnorLayer` says in NumPy what is computed, `pointwise_source` makes C of it, for
microcontrollers and for this machine. Nothing is trained here; `binary` does that.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.binary import WORD_BITS, LowBitNetwork
from labs.mcu_compression.quantization import LayerCodes

Words = npt.NDArray[np.uint32]
MOST_SHIFT, LEAST_SHIFT = 24, 8  # fraction bits of a code before it is rounded


def pack_signs(is_plus: npt.ArrayLike) -> Words:
    """Return signs as bits of 32-bit words, 1 for plus.

    Parameters
    ----------
    is_plus
        (..., n), bool, n >= 1.

    Returns
    -------
    ndarray
        (..., words), uint32: sign k is bit ``k % 32`` of word ``k // 32``; bits beyond n are 0.

    Examples
    --------
    >>> pack_signs([True, False, True] + 30 * [False]).tolist()
    [5, 0]
    """
    bits = np.asarray(is_plus, dtype=bool)
    missing = -bits.shape[-1] % WORD_BITS
    padded = np.pad(bits, [*[(0, 0)] * (bits.ndim - 1), (0, missing)])
    parts = padded.reshape(*bits.shape[:-1], -1, WORD_BITS).astype(np.uint32)
    weights = np.uint32(1) << np.arange(WORD_BITS, dtype=np.uint32)
    return np.asarray((parts * weights).sum(-1, dtype=np.uint32))


@dataclass(frozen=True, eq=False)
class XnorLayer:
    """A pointwise layer from single bits to int8, with the thresholds that make the bits.

    Output code c is ``(offsets[c] - multipliers[c] * differences) >> shift``, limited to int8,
    where differences counts the inputs whose sign is not that of a weight other than 0.

    Parameters
    ----------
    name
        For comments; made a name in C.
    thresholds
        int32, (in,): an input is +1 if the sum of the layer before, without its bias, reaches it.
    plus
        uint32, (out, words): 1 where the weight is +1.
    mask
        The same, 1 where the weight is not 0; None if none is.
    multipliers, offsets
        int32, (out,).
    shift
        Fraction bits of the two, 8 to 24.
    """

    name: str
    thresholds: npt.NDArray[np.int32]
    plus: Words
    mask: Words | None
    multipliers: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    shift: int

    @property
    def inputs(self) -> int:
        """Number of input channels."""
        return len(self.thresholds)

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return len(self.plus)

    @property
    def size_bytes(self) -> int:
        """Bytes of all its tables."""
        masks = 0 if self.mask is None else self.mask.nbytes
        numbers = self.thresholds.nbytes + self.multipliers.nbytes + self.offsets.nbytes
        return int(self.plus.nbytes + masks + numbers)

    def signs(self, sums: npt.ArrayLike) -> Words:
        """Return the packed inputs, (..., words), of the sums of the layer before, (..., in)."""
        return pack_signs(np.asarray(sums) >= self.thresholds)

    def run(self, words: Words) -> npt.NDArray[np.int8]:
        """Return the output codes, (places, out), of packed inputs, (places, words)."""
        differing = words[:, None, :] ^ self.plus
        if self.mask is not None:
            differing &= self.mask
        differences = np.bitwise_count(differing).sum(-1, dtype=np.int64)
        codes = (self.offsets - self.multipliers * differences) >> self.shift
        return np.asarray(np.clip(codes, -128, 127), dtype=np.int8)


def xnor_layer(
    name: str,
    weights: npt.ArrayLike,
    *,
    thresholds: npt.ArrayLike,
    factors: npt.ArrayLike,
    offsets: npt.ArrayLike,
) -> XnorLayer:
    """Return a layer whose output code is ``factor * sum + offset``, rounded, for each channel.

    Parameters
    ----------
    name
        For comments.
    weights
        (out, in), of -1, 0 and +1.
    thresholds
        (in,), within int32; see `XnorLayer`.
    factors, offsets
        (out,), real: codes for each step of the sum, and the code of a sum of 0.

    Raises
    ------
    ValueError
        If a weight is another number, or factors are so large that 32 bits leave less than 8 for
        the fraction.

    Examples
    --------
    >>> layer = xnor_layer("two", [[1, -1]], thresholds=[0, 0], factors=[10.0], offsets=[3.0])
    >>> layer.run(layer.signs([[5, -5], [5, 5], [-1, 0]])).ravel().tolist()
    [23, 3, -17]
    """
    codes = np.asarray(weights)
    if codes.ndim != 2 or not np.isin(codes, (-1, 0, 1)).all():
        raise ValueError(f"{name}: weights are no table of -1, 0 and +1; give (out, in)")
    limits = np.asarray(thresholds, dtype=np.int64)
    if limits.shape != codes.shape[1:] or (np.abs(limits) >= 2**31).any():
        raise ValueError(f"{name}: give {codes.shape[1]} thresholds within int32, one an input")
    is_idle = np.abs(codes).sum(1) == 0  # no mask for their sake: a factor of 0 does it
    steps = 2 * np.where(is_idle, 0.0, np.asarray(factors, dtype=np.float64))
    codes = np.where(is_idle[:, None], 1, codes)
    used = np.abs(codes).sum(1)
    tops = steps / 2 * used + np.asarray(offsets, dtype=np.float64) + 0.5  # halves round up
    shift = _shift(name, np.abs(np.stack([tops, tops - steps * used])))
    return XnorLayer(
        name,
        limits.astype(np.int32),
        pack_signs(codes > 0),
        None if codes.all() else pack_signs(codes != 0),
        np.rint(np.ldexp(steps, shift)).astype(np.int32),
        np.floor(np.ldexp(tops, shift)).astype(np.int32),
        shift,
    )


def _shift(name: str, ends: npt.NDArray[np.float64]) -> int:
    """Return the most fraction bits with which no code leaves 32 bits."""
    largest = float(ends.max(initial=1.0))
    shift = min(MOST_SHIFT, 29 - int(np.ceil(np.log2(largest)))) if largest < 2**31 else 0
    if shift < LEAST_SHIFT:
        raise ValueError(
            f"{name}: codes reach {largest:.3g} before they are limited to 8 bits, too many for 32 "
            "bits; calibrate with clips like those that it was trained on"
        )
    return shift


def xnor_layers(network: LowBitNetwork) -> list[XnorLayer]:
    """Return the pointwise layers of a network with sign activations, in their order.

    Raises
    ------
    ValueError
        If its pointwise layers read int8.
    """
    if network.activations != "sign":
        raise ValueError("the pointwise layers read int8; train with activations='sign'")
    codes = network.codes()
    pairs = itertools.pairwise(codes)
    return [_of_codes(*pair) for pair in pairs if pair[1].kind == "pointwise"]


def _of_codes(before: LayerCodes, layer: LayerCodes) -> XnorLayer:
    weights = layer.weight_codes.reshape(len(layer.weight_codes), -1).astype(np.int64)
    steps = layer.input.scale * layer.weight_scales.astype(np.float64)
    return xnor_layer(
        layer.name,
        np.sign(weights),
        # The sum with the bias is >= 0 where the sum without it reaches this.
        thresholds=-before.bias_codes.astype(np.int64),
        factors=np.abs(weights).max(1) * steps / layer.output.scale,
        offsets=layer.bias_codes * steps / layer.output.scale + layer.output.zero_point,
    )


PRELUDE = """\
#include <stdint.h>
#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

/* Returns for each 4 bits how many of them are set: 8 counts of 0 to 4. */
static inline uint32_t nibble_counts(uint32_t bits) {
  bits -= (bits >> 1) & 0x55555555u;
  return (bits & 0x33333333u) + ((bits >> 2) & 0x33333333u);
}

/* Returns the sum of 8 counts of 0 to 15. */
static inline int32_t sum_counts(uint32_t counts) {
  uint32_t bytes = (counts & 0x0f0f0f0fu) + ((counts >> 4) & 0x0f0f0f0fu);
#if defined(__ARM_FEATURE_SIMD32)
  return (int32_t)__usad8(bytes, 0);
#else
  return (int32_t)((bytes * 0x01010101u) >> 24);
#endif
}

/* Processors with an instruction that counts bits need no such tricks. Cortex-M has none. */
#if (defined(__POPCNT__) || defined(__aarch64__)) && !defined(PORTABLE_BIT_COUNT)
#define HAS_BIT_COUNT 1
#else
#define HAS_BIT_COUNT 0
#endif
"""

SIGNS = """\
/* Compares sums with thresholds. sums: [@PLACES@][@INPUTS@], int32, of the layer before, without
   its bias; x: [@PLACES@][@WORDS@]. */
void @NAME@_signs(const int32_t *restrict sums, uint32_t *restrict x) {
  for (int place = 0; place < @PLACES@; place++) {
    const int32_t *thresholds = @NAME@_thresholds;
@PACK@  }
}
"""

PACK = """\
    for (int word = 0; word < @COUNT@; word++) {
      uint32_t bits = 0;
      for (int k = 0; k < @BITS@; k++)
        if (*sums++ >= *thresholds++) bits |= 1u << k;
      *x++ = bits;
    }
"""

POINTWISE = """\
/* Counts the inputs that differ from the weights. x: [@PLACES@][@WORDS@], bits;
   y: [@PLACES@][@OUTPUTS@], int8. Nothing overflows: the generator chose the shift so. */
void @NAME@(const uint32_t *restrict x, int8_t *restrict y) {
  for (int place = 0; place < @PLACES@; place++, x += @WORDS@)
    for (int output = 0; output < @OUTPUTS@; output++) {
      const @NAME@_row *row = @NAME@_rows + output;
#if HAS_BIT_COUNT
      int32_t differences = @BUILTIN@;
#else
      int32_t differences = @COUNTED@;
#endif
      int32_t code = (row->offset - row->multiplier * differences) >> @SHIFT@;
      *y++ = (int8_t)(code < -128 ? -128 : code > 127 ? 127 : code);
    }
}
"""


def pointwise_source(layer: XnorLayer, *, places: int) -> str:
    """Return one file of C: ``NAME_signs`` packs the inputs, ``NAME`` computes the layer.

    Parameters
    ----------
    layer
        Its sizes become constants, its name that of the function.
    places
        Rows times columns, >= 1.

    Raises
    ------
    ValueError
        If there is no place.
    """
    if places < 1:
        raise ValueError(f"places is {places}; give at least 1")
    words, name = layer.plus.shape[1], c_name(layer.name)
    values = {
        "NAME": name,
        "PLACES": places,
        "INPUTS": layer.inputs,
        "OUTPUTS": layer.outputs,
        "WORDS": words,
        "PACK": _packing(layer.inputs),
        "SHIFT": layer.shift,
        "BUILTIN": _joined([f"__builtin_popcount({_differing(layer, j)})" for j in range(words)]),
        "COUNTED": _joined([_counted(layer, j) for j in range(0, words, 3)]),
    }
    head = (
        f"/* {name}: {places} places, {layer.inputs} inputs of one bit, {layer.outputs} outputs of "
        "8 bits. Generated.\n   A bit is 1 for +1; input k is bit k % 32 of word k / 32, and bits "
        "beyond the last input are 0,\n   in x as in the weights. */\n"
    )
    parts = [head + PRELUDE, _tables(layer, name), SIGNS, POINTWISE]
    return _filled("\n".join(parts), values)


def _packing(inputs: int) -> str:
    """Whole words first, so that the compiler knows how many bits to unroll; then the rest."""
    parts = (inputs // WORD_BITS, WORD_BITS), (1, inputs % WORD_BITS)
    return "".join(
        _filled(PACK, {"COUNT": count, "BITS": bits}) for count, bits in parts if count * bits
    )


def _filled(text: str, values: Mapping[str, object]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda found: str(values[found[1]]), text)


def c_name(name: str) -> str:
    """Return a name of a layer as one in C.

    Examples
    --------
    >>> c_name("pointwise 1"), c_name("2nd")
    ('pointwise_1', 'layer_2nd')
    """
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if re.match(r"[A-Za-z]", plain) else f"layer_{plain}"


def _differing(layer: XnorLayer, word: int) -> str:
    bits = f"x[{word}] ^ row->plus[{word}]"
    return bits if layer.mask is None else f"({bits}) & row->mask[{word}]"


def _counted(layer: XnorLayer, first: int) -> str:
    """Three words at a time: their counts of 4 bits add up to at most 12, which 4 bits hold."""
    group = range(first, min(first + 3, layer.plus.shape[1]))
    counts = [f"nibble_counts({_differing(layer, word)})" for word in group]
    return f"sum_counts({_joined(counts)})"


def _joined(terms: list[str]) -> str:
    return " +\n          ".join(terms)


def _tables(layer: XnorLayer, name: str) -> str:
    words = layer.plus.shape[1]
    planes = [layer.plus] if layer.mask is None else [layer.plus, layer.mask]
    rows = []
    for output in range(layer.outputs):
        bits = ", ".join(f"{{{_hex(plane[output])}}}" for plane in planes)
        rows.append(f"  {{{bits}, {layer.multipliers[output]}, {layer.offsets[output]}}},\n")
    mask = f"  uint32_t mask[{words}]; /* 1 where the weight is not 0 */\n"
    numbers = ", ".join(map(str, layer.thresholds.tolist()))
    return (
        f"static const int32_t {name}_thresholds[{layer.inputs}] = {{{numbers}}};\n\n"
        "/* Weights of one output, and what makes a code of int8 of the number of differences. */\n"
        f"typedef struct {{\n  uint32_t plus[{words}]; /* 1 where the weight is +1 */\n"
        f"{'' if layer.mask is None else mask}"
        f"  int32_t multiplier, offset; /* with {layer.shift} bits of fraction */\n}} {name}_row;\n"
        f"static const {name}_row {name}_rows[{layer.outputs}] = {{\n{''.join(rows)}}};\n"
    )


def _hex(words: npt.NDArray[Any]) -> str:
    return ", ".join(f"0x{int(word):08x}u" for word in words)
