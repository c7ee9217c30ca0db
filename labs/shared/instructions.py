"""What a program executed: instructions by class and function, memory accesses, estimated cycles.

Counts are exact: how often each basic block ran (`emulator.Trace`) times what is in it, by
disassembly (`decoding`). Cycles are an *estimate*, an interval (`cycles`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from labs.engine.catalog import did_you_mean
from labs.engine.errors import LabError
from labs.shared.cycles import CYCLE_TABLES, CycleTable, Interval
from labs.shared.decoding import Instruction, decode
from labs.shared.emulator import MODELS, Trace
from labs.shared.toolchain import FLASH_START


@dataclass(frozen=True)
class Profile:
    """What one call executed.

    Parameters
    ----------
    instructions
        All that were issued, those that a condition skipped among them.
    by_class, by_function
        The same, by `decoding.CLASSES` and by function of the program, most first.
    loads, stores
        Words and parts of words read and written, those that a condition skipped among them.
    taken_branches
        How often something else than the next instruction followed.
    stack_bytes
        From the top of the stack to the lowest byte that was written.
    cycles
        Estimated, fewest and most, without wait states; None for a core without a table.
    core
        Whose table it was.
    """

    instructions: int
    by_class: Mapping[str, int]
    by_function: Mapping[str, int]
    loads: int
    stores: int
    taken_branches: int
    stack_bytes: int
    cycles: Interval | None
    core: str


def profile(trace: Trace, *, core: str | None = None) -> Profile:
    """Return what a call executed.

    Parameters
    ----------
    trace
        From `emulator.Machine.trace`.
    core
        One of `cycles.CYCLE_TABLES`, or a core without a table; that which it ran on if None.

    Raises
    ------
    LabError
        If the core is unknown.
    ExtraMissingError
        If capstone is not installed.
    """
    core = core or trace.core
    known = {**MODELS, **CYCLE_TABLES}
    if core not in known:
        raise LabError(f"no core {core!r}{did_you_mean(core, known)} (cores: {', '.join(known)})")
    blocks = list(_blocks(trace))
    classes: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    loads = stores = 0
    for block in blocks:
        for instruction in block.instructions:
            classes[instruction.kind] += block.runs
            loads += block.runs * instruction.loads
            stores += block.runs * instruction.stores
        functions[block.function] += block.runs * len(block.instructions)
    return Profile(
        instructions=sum(classes.values()),
        by_class=dict(classes.most_common()),
        by_function=dict(functions.most_common()),
        loads=loads,
        stores=stores,
        taken_branches=sum(block.jumps for block in blocks),
        stack_bytes=trace.stack_bytes,
        cycles=_cycles(blocks, CYCLE_TABLES[core]) if core in CYCLE_TABLES else None,
        core=core,
    )


@dataclass(frozen=True)
class _Block:
    function: str
    runs: int
    jumps: int
    instructions: tuple[Instruction, ...]


def _blocks(trace: Trace) -> Iterator[_Block]:
    for slot in np.flatnonzero(trace.runs):
        address = FLASH_START + 2 * int(slot)
        code = trace.program.content(address, int(trace.sizes[slot]))
        yield _Block(
            trace.program.function_at(address) or "elsewhere",
            int(trace.runs[slot]),
            int(trace.jumps[slot]),
            decode(code, address),
        )


def _cycles(blocks: list[_Block], table: CycleTable) -> Interval:
    low = high = 0
    for block in blocks:
        least, most = table.block(block.instructions)
        refill = table.refill_after(block.instructions[-1])
        low += block.runs * least + block.jumps * refill[0]
        high += block.runs * most + block.jumps * refill[1]
    return low, high
