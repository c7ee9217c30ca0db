"""How many cycles a Cortex-M takes for code, from the tables that Arm prints: an interval.

It is an estimate for memory without wait states. Where a table leaves a choice (a load that may
overlap with the next, a pipeline refill of one to three cycles, a division), the fewest and the
most are added up. Wait states of flash, contention on the bus and interrupts are not modelled, and
cores without a public table (M7, M33) have none here. Only a board can tell (`board_main`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labs.shared.decoding import Instruction

Interval = tuple[int, int]


@dataclass(frozen=True)
class CycleTable:
    """Cycles of instructions, fewest and most, with memory that never waits.

    Parameters
    ----------
    cycles
        By name of an instruction, or by class for those without a line of their own. What moves
        several words takes one cycle more than words.
    refill
        On top, for filling the pipeline after a taken branch.
    link_refill
        The same for a branch with link, and for a return from the stack.
    overlaps
        Whether a load or store right after a load may take a cycle less, and one whose address
        was just computed, or lies among the code, a cycle more.
    source
        Who printed it.
    """

    cycles: Mapping[str, Interval]
    refill: Interval
    link_refill: Interval
    overlaps: bool
    source: str

    def block(self, instructions: Sequence[Instruction]) -> Interval:
        """Return the cycles of a basic block, without the refill after it."""
        low = high = 0
        previous = None
        for each in instructions:
            least, most = self._one(each, previous)
            low, high = low + (min(least, 1) if each.is_conditional else least), high + most
            previous = each
        return low, high

    def refill_after(self, last: Instruction) -> Interval:
        """Return the cycles on top when a block does not go on to the next in memory."""
        is_link = last.name == "bl" or (last.name == "pop" and last.sets_pc)
        return self.link_refill if is_link else self.refill

    def _one(self, each: Instruction, previous: Instruction | None) -> Interval:
        words = each.loads + each.stores
        if each.kind in {"load", "store"} and words > 1:
            return 1 + words, 1 + words
        if each.kind == "it" and previous is not None and previous.size == 4:
            return 1, 1  # it folds onto a short instruction only
        least, most = self.cycles.get(each.name, self.cycles[each.kind])
        if not self.overlaps or each.kind not in {"load", "store"}:
            return least, most
        after_load = previous is not None and previous.kind == "load" and previous.loads == 1
        is_computed = previous is not None and bool(previous.written & each.addressed)
        if each.kind == "load" and (not after_load or is_computed):
            least = most  # nothing to overlap with
        return least, most + ((is_computed and not after_load) or each.is_constant)


_COMMON = dict.fromkeys(("alu", "multiply", "simd", "branch"), (1, 1))
_ARMV7 = _COMMON | {
    "divide": (2, 12),
    "load": (1, 2),
    "store": (1, 2),  # into the write buffer
    "it": (0, 1),
    "tbb": (2, 3),  # the table says 2, the text at least 6 with the refill
    "tbh": (2, 3),
    "system": (1, 4),
}
_M0_PLUS = _COMMON | {"load": (2, 2), "store": (2, 2), "system": (1, 3)}
_M0_PLUS_SOURCE = "Arm DDI 0484C, Cortex-M0+ Technical Reference Manual, table 3-1"
# On M3 a long multiplication ends early for small numbers.
_M3_MULTIPLY = {
    **dict.fromkeys(("mla", "mls"), (2, 2)),
    **dict.fromkeys(("smull", "umull"), (3, 5)),
    **dict.fromkeys(("smlal", "umlal"), (4, 7)),
}
CYCLE_TABLES = {
    "m0plus": CycleTable(
        # 1 or 32: the maker of the chip chooses, once for all multiplications.
        _M0_PLUS | {"multiply": (1, 32)},
        refill=(1, 1),
        link_refill=(2, 2),
        overlaps=False,
        source=_M0_PLUS_SOURCE,
    ),
    "m0plus_fast": CycleTable(
        _M0_PLUS,
        refill=(1, 1),
        link_refill=(2, 2),
        overlaps=False,
        source=f"{_M0_PLUS_SOURCE}; with the fast multiplier, as in RP2040",
    ),
    "m3": CycleTable(
        _ARMV7 | _M3_MULTIPLY,
        refill=(1, 3),
        link_refill=(1, 3),
        overlaps=True,
        source="Arm 100165_0201, Cortex-M3 Technical Reference Manual, table 3-1 and 3.3.2",
    ),
    "m4": CycleTable(
        _ARMV7,
        refill=(1, 3),
        link_refill=(1, 3),
        overlaps=True,
        source="Arm DDI 0439D, Cortex-M4 Technical Reference Manual, tables 3-1, 3-2 and 3.3.2",
    ),
}
