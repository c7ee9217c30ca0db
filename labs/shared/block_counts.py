"""How often each basic block of an emulated program runs.

A hook that was compiled for this machine (block_counter.c) counts, at a few per cent of the time
that the emulator takes. Where it cannot be compiled, a slower one in Python counts the same. Only
blocks are hooked: unicorn's memory hooks corrupt conditional Thumb blocks (unicorn issue 2309).
"""

import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.errors import LabError
from labs.shared.toolchain import HostLibrary

COUNTER = Path(__file__).with_name("block_counter.c")
NOWHERE = 2**64 - 1
Counts = npt.NDArray[np.uint32]


class State(ctypes.Structure):
    """State of block_counter.c, which explains each field."""

    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("start", "slots", "issued", "budget", "previous")),
        *((name, ctypes.c_uint64) for name in ("expected", "is_spent", "strays")),
        *((name, ctypes.c_void_p) for name in ("runs", "sizes", "jumps", "stop")),
    ]


class BlockCounts:
    """The counts of one emulator, and the hook that fills them.

    Parameters
    ----------
    emulator
        A unicorn machine that has run nothing yet: blocks that it has translated before it is
        hooked are not seen (unicorn issue 2200).
    start, size
        Address and bytes of the program in flash.

    Attributes
    ----------
    runs, sizes, jumps
        uint32, by half-word of the program: how often the block that begins there ran, its bytes,
        and how often another block than the next in memory followed.
    state
        What else the hook keeps.
    is_native
        Whether the compiled hook counts.
    """

    def __init__(self, emulator: Any, *, start: int, size: int) -> None:
        slots = -(-size // 2)
        self.runs: Counts = np.zeros(slots, np.uint32)
        self.sizes: Counts = np.zeros(slots, np.uint32)
        self.jumps: Counts = np.zeros(slots, np.uint32)
        self.state = State(start=start, slots=slots)
        counter = _counter()
        self.is_native = counter is not None
        if counter is None:
            self._hook_python(emulator)
        else:
            self._hook_native(emulator, counter)

    def reset(self, budget: int) -> None:
        """Start again from nothing, with so many half-words of code to spend."""
        for counts in (self.runs, self.sizes, self.jumps):
            counts[:] = 0
        self.state.issued = self.state.is_spent = self.state.strays = 0
        self.state.budget, self.state.previous = budget, NOWHERE

    def finish(self) -> None:
        """Count the return to the caller, which leads out of the program: a jump like others."""
        if self.state.previous != NOWHERE:
            self.jumps[self.state.previous] += 1

    def _hook_native(self, emulator: Any, counter: HostLibrary) -> None:
        from unicorn import UC_HOOK_BLOCK  # noqa: PLC0415 - an extra
        from unicorn.unicorn_py3.unicorn import uclib  # noqa: PLC0415 - an extra

        for name in ("runs", "sizes", "jumps"):
            setattr(self.state, name, getattr(self, name).ctypes.data)
        self.state.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value
        failed = uclib.uc_hook_add(
            emulator._uch,
            ctypes.byref(ctypes.c_size_t()),
            ctypes.c_int(UC_HOOK_BLOCK),
            ctypes.cast(counter.functions.count_block, ctypes.c_void_p),
            ctypes.byref(self.state),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if failed:
            raise LabError(f"the emulator takes no hook (error {failed})")

    def _hook_python(self, emulator: Any) -> None:
        from unicorn import UC_HOOK_BLOCK  # noqa: PLC0415 - an extra

        emulator.hook_add(UC_HOOK_BLOCK, self._before_block)

    def _before_block(self, emulator: Any, address: int, *rest: Any) -> None:
        if not self._count(address, rest[0]):
            emulator.emu_stop()

    def _count(self, address: int, size: int) -> bool:
        """Do what count_block does; return whether the emulation may go on."""
        state = self.state
        if state.previous != NOWHERE and address != state.expected:
            self.jumps[state.previous] += 1
        state.expected, state.previous = address + size, NOWHERE
        slot = (address - state.start) // 2
        if not 0 <= slot < state.slots:
            state.strays += 1
            return True
        state.issued += size // 2
        if state.issued > state.budget:
            state.is_spent = 1
            return False
        self.runs[slot] += 1
        self.sizes[slot] = size
        state.previous = slot
        return True


@functools.cache
def _counter() -> HostLibrary | None:
    try:
        return HostLibrary(COUNTER.read_text(encoding="ascii"))
    except (LabError, OSError):
        return None  # no compiler for this machine
