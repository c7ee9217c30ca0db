"""One pointwise layer as C text, tried on an emulated core: its codes, its instructions, its bytes.

The text is compiled alone, behind a short prelude, and its function ``pointwise`` is called on
arrays in memory that is looked through afterwards. Nothing here says what the codes should be; who
asks compares them. The text may be hostile: it runs on the emulated core alone, within a budget of
instructions, and never as a program of this machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.errors import ExtraMissingError, LabError
from labs.mcu_compression.c_code import loops
from labs.shared.emulator import Machine
from labs.shared.instructions import profile
from labs.shared.toolchain import compile_c

SIGNATURE = (
    "void pointwise(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b,\n"
    "               const int32_t *m, const int8_t *s)"
)
PAIRS = """\
#if defined(__ARM_FEATURE_SIMD32) && __ARM_FEATURE_SIMD32
#include <arm_acle.h>
#else /* The same in plain C, for cores without these instructions and for this machine. */
static inline uint32_t __ror(uint32_t word, uint32_t by) { return word >> by | word << (32 - by); }
static inline uint32_t __sxtb16(uint32_t word) {
  return (uint16_t)(int8_t)word | (uint32_t)(int8_t)(word >> 16) << 16;
}
static inline int32_t __smlad(uint32_t a, uint32_t b, int32_t sum) {
  return sum + (int16_t)a * (int16_t)b + (int16_t)(a >> 16) * (int16_t)(b >> 16);
}
#endif

/* Four int8 that lie side by side, as one word; the first is its lowest byte. */
static inline uint32_t load4(const int8_t *from) {
  uint32_t word;
  __builtin_memcpy(&word, from, 4);
  return word;
}
/* SXTB16: bytes 0 and 2 of a word as two int16. */
static inline uint32_t sxtb16(uint32_t word) { return __sxtb16(word); }
/* SXTB16 with ROR 8: bytes 1 and 3 of a word as two int16. */
static inline uint32_t sxtb16_ror8(uint32_t word) { return __sxtb16(__ror(word, 8)); }
/* SMLAD: sum + low half of a times low half of b + high half of a times high half of b. */
static inline int32_t smlad(uint32_t a, uint32_t b, int32_t sum) { return __smlad(a, b, sum); }
"""
GUARD_BYTES = 64  # around every array, so that a write beside it is found
GUARD = 0xC3
FILLS = (0x55, 0xAA)  # what y holds before the first and the second call
MOST_CHARACTERS = 100_000
BUDGET_OF_A_MAC = 200  # half-words of code; plain loops take ten
BUDGET_OF_A_CALL = 100_000

Arrays = Mapping[str, npt.NDArray[Any]]
Memory = npt.NDArray[np.uint8]


class KernelError(LabError):
    """A text is nothing to compile, or what it computes is no function of its arguments."""


def run_pointwise(source: str, arrays: Arrays, *, core: str = "m4") -> dict[str, Any]:
    """Return what a text of C computes for a pointwise layer, and what that takes.

    Parameters
    ----------
    source
        C text with a function of the `SIGNATURE`. Before it stand ``<stdint.h>``, ``requantize`` as
        in `c_code.loops`, and the functions of `PAIRS`.
    arrays
        ``x``: (places, inputs), int8; ``w``: (outputs, inputs), int8; ``b`` and ``m``: (outputs,),
        int32; ``s``: (outputs,), int8.
    core
        One of `labs.shared.toolchain.CORES`.

    Returns
    -------
    dict
        ``error``, one line, if it cannot be tried. Otherwise ``y``, (places, outputs), int8;
        ``untouched``, how many codes of y were never written; ``strays``, what was written beside
        y, in words, or nothing; ``instructions``, ``by_class``, ``loads``, ``stores`` and
        ``stack_bytes`` of a call; ``code_bytes``.

    Raises
    ------
    ExtraMissingError
        If compiler or emulator are not installed.
    """
    try:
        return _tried(source, arrays, core)
    except ExtraMissingError:
        raise  # nothing is wrong with the text
    except LabError as err:
        return {"error": str(err)}


def run_naive(arrays: Arrays, *, x_zero: int, y_zero: int, core: str = "m4") -> dict[str, Any]:
    """Return the same for the plainest kernel of the generator, which others are compared with.

    Parameters
    ----------
    arrays, core
        As for `run_pointwise`.
    x_zero, y_zero
        Zero points of input and output.
    """
    (places, inputs), outputs = arrays["x"].shape, len(arrays["w"])
    numbers = [1, places, inputs, 1, places, outputs, 1, 1, 1, 1, 0, 0, x_zero, y_zero, -128, 127]
    # Read from memory: a compiler that saw the only call would make a kernel for these numbers.
    given = f"static volatile int n[] = {{{', '.join(map(str, numbers))}}};\n"
    sizes, rest = (", ".join(f"n[{at}]" for at in part) for part in (range(12), range(12, 16)))
    call = f"convolution(x, y, {sizes}, w, b, m, s, {rest});"
    return run_pointwise(
        f"{loops.CONVOLUTION}\n{given}{SIGNATURE} {{ {call} }}\n", arrays, core=core
    )


def _tried(source: str, arrays: Arrays, core: str) -> dict[str, Any]:
    layout = _Layout.of(arrays)
    program = compile_c(_file(source, layout.size), core)
    if "pointwise" not in program.functions:
        raise KernelError("the C text defines no function pointwise")
    machine = Machine(program)
    pointers, before = layout.pointers(machine), layout.filled(arrays, FILLS[0])
    machine.write("bench_memory", before)
    counts = profile(machine.trace("pointwise", *pointers, budget=layout.budget))
    after = layout.read(machine)
    machine.write("bench_memory", layout.filled(arrays, FILLS[1]))
    machine.call("pointwise", *pointers, budget=layout.budget)
    first, second = (layout.y_of(memory) for memory in (after, layout.read(machine)))
    is_written = (first == second) | (first != np.uint8(FILLS[0]).view(np.int8))
    if (first != second)[is_written].any():
        raise KernelError("a second call gives other codes: the function keeps something")
    return {
        "y": first,
        "untouched": int((~is_written).sum()),
        "strays": layout.strays(before, after),
        "instructions": counts.instructions,
        "by_class": dict(counts.by_class),
        "loads": counts.loads,
        "stores": counts.stores,
        "stack_bytes": counts.stack_bytes,
        "code_bytes": program.code_bytes,
    }


def _file(source: str, memory_bytes: int) -> str:
    try:
        source.encode()
    except UnicodeEncodeError as err:
        raise KernelError("the C text holds characters that no file can hold") from err
    if len(source) > MOST_CHARACTERS:
        raise KernelError(
            f"the C text has {len(source):,} characters; at most {MOST_CHARACTERS:,} are taken"
        )
    memory = f"uint8_t bench_memory[{memory_bytes}] __attribute__((aligned(8)));\n"
    parts = (loops.PRELUDE, PAIRS, f"{SIGNATURE};", '#line 1 "your text"', source)
    return "\n".join([*parts, '#line 1 "memory"', memory])


@dataclass(frozen=True)
class _Layout:
    """Where the arrays lie in the memory of the bench, with guards around them."""

    shape: tuple[int, int]  # of y
    starts: Mapping[str, int]
    sizes: Mapping[str, int]
    size: int
    budget: int

    @classmethod
    def of(cls, arrays: Arrays) -> "_Layout":
        (places, inputs), outputs = arrays["x"].shape, len(arrays["w"])
        sizes = {name: arrays[name].nbytes for name in "xwbms"} | {"y": places * outputs}
        starts, end = {}, GUARD_BYTES
        for name, size in sizes.items():
            starts[name] = end
            end += -(-size // 8) * 8 + GUARD_BYTES
        budget = BUDGET_OF_A_CALL + BUDGET_OF_A_MAC * places * outputs * (inputs + 4)
        return cls((places, outputs), starts, sizes, end, budget)

    def filled(self, arrays: Arrays, fill: int) -> Memory:
        memory = np.full(self.size, GUARD, np.uint8)
        for name in "xwbms":
            content = np.ascontiguousarray(arrays[name]).tobytes()
            memory[self._part(name)] = np.frombuffer(content, np.uint8)
        memory[self._part("y")] = fill
        return memory

    def pointers(self, machine: Machine) -> list[int]:
        start = machine.address("bench_memory")
        return [start + self.starts[name] for name in ("x", "y", "w", "b", "m", "s")]

    def read(self, machine: Machine) -> Memory:
        return machine.read("bench_memory", np.uint8, (self.size,))

    def y_of(self, memory: Memory) -> npt.NDArray[np.int8]:
        return memory[self._part("y")].view(np.int8).reshape(self.shape)

    def strays(self, before: Memory, after: Memory) -> str:
        """Return in words where something else than y was written, the places first in memory."""
        is_changed = before != after
        is_changed[self._part("y")] = False
        return ", ".join(self._named(int(at)) for at in np.flatnonzero(is_changed)[:3])

    def _named(self, at: int) -> str:
        for name, start in self.starts.items():
            beyond = at - start - self.sizes[name]
            if start <= at and beyond < 0:
                return f"byte {at - start} of {name}"
            if start - GUARD_BYTES // 2 <= at < start:
                return f"byte {start - at} before {name}"
            if 0 <= beyond < GUARD_BYTES // 2:
                return f"byte {beyond + 1} beyond the end of {name}"
        return "between two arrays"

    def _part(self, name: str) -> slice:
        return slice(self.starts[name], self.starts[name] + self.sizes[name])
