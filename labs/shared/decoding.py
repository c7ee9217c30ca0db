"""Machine code of a Cortex-M, instruction by instruction, as far as counting needs it.

The disassembler is capstone (extra ``mcu``). Nothing is counted here (`instructions`), and no time
estimated (`cycles`).
"""

import functools
import re
from dataclasses import dataclass
from typing import Any

from labs.engine.errors import ExtraMissingError, LabError
from labs.engine.extras import install_command

CLASSES = ("alu", "multiply", "simd", "divide", "load", "store", "branch", "it", "system")

# Arm DDI 0439D, Cortex-M4 Technical Reference Manual, table 3-2: what M4 has and M3 has not.
_SIMD = re.compile(
    r"sml[as]l?dx?|smu[as]dx?|[su]xta?b16|pkh(bt|tb)|sel|usada?8|[su]sat16"
    r"|([suq]|sh|uq|uh)((add|sub)(16|8)|asx|sax)"
)
_DSP_MULTIPLY = re.compile(r"smlal?[bt][bt]|sm(la|ul)w[bt]|smul[bt][bt]|smm(la|ls|ul)r?|umaal")
_DSP_ALU = re.compile(r"[su]xta[bh]|qd?(add|sub)")
_KINDS = (
    ("simd", _SIMD),
    ("multiply", _DSP_MULTIPLY),
    ("multiply", re.compile(r"mul|ml[as]|[su]mull|[su]mlal")),
    ("divide", re.compile(r"[su]div")),
    ("load", re.compile(r"v?(ldr|ldm|pop).*")),
    ("store", re.compile(r"v?(str|stm|push).*")),
    ("branch", re.compile(r"b|bl|bx|blx|cbn?z|tb[bh]")),
    ("it", re.compile(r"it")),
    ("system", re.compile(r"[di][sm]b|mrs|msr|cps.*|svc|bkpt|wf[ei]|sev|udf")),
)
_SEVERAL = re.compile(r"v?(ldm|stm|push|pop).*")


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Parameters
    ----------
    name
        Lower case, without condition and width, such as ``smlad``.
    kind
        One of `CLASSES`.
    size
        2 or 4 bytes.
    loads, stores
        Words, and parts of words, that it reads and writes.
    is_constant
        Whether it loads a constant that lies among the code.
    is_conditional
        Whether a condition decides if it does anything; a branch is not meant.
    sets_pc
        Whether it is a branch by another name, such as a load of the program counter.
    written, addressed
        Numbers of the registers that it writes, and of those that the address of its load or
        store comes from.
    """

    name: str
    kind: str
    size: int
    loads: int = 0
    stores: int = 0
    is_constant: bool = False
    is_conditional: bool = False
    sets_pc: bool = False
    written: frozenset[int] = frozenset()
    addressed: frozenset[int] = frozenset()

    @property
    def is_dsp(self) -> bool:
        """Whether it belongs to the DSP extension, which M0+ and M3 lack."""
        return any(each.fullmatch(self.name) for each in (_SIMD, _DSP_MULTIPLY, _DSP_ALU))


@functools.lru_cache(maxsize=4096)
def decode(code: bytes, address: int) -> tuple[Instruction, ...]:
    """Return the instructions in a piece of code.

    Parameters
    ----------
    code
        Whole instructions.
    address
        Where it lies; even.

    Raises
    ------
    LabError
        If it is no code.
    ExtraMissingError
        If capstone is not installed.

    Examples
    --------
    >>> [each.name for each in decode(bytes.fromhex("0130704720fb0120"), 0)]
    ['add', 'bx', 'smlad']
    """
    found = tuple(_instruction(each) for each in _disassembler().disasm(code, address))
    if sum(each.size for each in found) != len(code):
        raise LabError(f"no instruction of a Cortex-M in the {len(code)} bytes at {address:#010x}")
    return found


@functools.cache
def _disassembler() -> Any:
    try:
        import capstone  # noqa: PLC0415 - an extra
    except ImportError as err:
        raise ExtraMissingError(
            f"no disassembler: capstone is not installed; run: {install_command('mcu')}"
        ) from err
    made = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    made.detail = True
    return made


def _instruction(found: Any) -> Instruction:
    from capstone import arm  # noqa: PLC0415 - an extra

    name = found.insn_name()
    if name == "hint":
        name = found.mnemonic.split(".")[0]
    kind = next((kind for kind, pattern in _KINDS if pattern.fullmatch(name)), "alu")
    _, written = found.regs_access()
    addressed = {
        register
        for operand in found.operands
        if operand.type == arm.ARM_OP_MEM
        for register in (operand.mem.base, operand.mem.index)
        if register
    }
    words = _words(found, name) if kind in {"load", "store"} else 0
    return Instruction(
        name=name,
        kind=kind,
        size=found.size,
        loads=int(name in {"tbb", "tbh"}) if kind == "branch" else words * (kind == "load"),
        stores=words * (kind == "store"),
        is_constant=arm.ARM_REG_PC in addressed,
        is_conditional=kind != "branch" and found.cc not in {arm.ARM_CC_AL, arm.ARM_CC_INVALID},
        sets_pc=kind != "branch" and arm.ARM_REG_PC in written,
        written=frozenset(written),
        addressed=frozenset(addressed),
    )


def _words(found: Any, name: str) -> int:
    from capstone import arm  # noqa: PLC0415 - an extra

    if not _SEVERAL.fullmatch(name):
        return 2 if name in {"ldrd", "strd"} else 1
    registers = [each for each in found.operands if each.type == arm.ARM_OP_REG]
    # The first register of the others holds the address.
    return len(registers) - (not name.endswith(("push", "pop")))
