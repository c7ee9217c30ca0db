"""A Cortex-M in this process: runs compiled programs and counts what they execute, exactly.

The processor is QEMU's, through unicorn (extra ``mcu``): results are those of the hardware's
instruction set, bit for bit, and counts repeat exactly. There is no time in it: no cache, no wait
states of flash, no peripherals, no interrupts, and addresses that a core wants aligned are not
checked. Instructions that a condition skips count as issued.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.catalog import did_you_mean
from labs.engine.errors import ExtraMissingError, LabError
from labs.engine.extras import install_command
from labs.shared.block_counts import BlockCounts, Counts
from labs.shared.decoding import decode
from labs.shared.toolchain import CORES, FLASH_BYTES, FLASH_START, RAM_BYTES, RAM_START, Program

BUDGET = 2_000_000_000  # half-words of code in one call; more than any network here takes
TRANSLATION_BYTES = 32 * 1024**2  # for the host's code; it is cleared when it is full
STACK_BYTES = 32 * 1024
# Below all variables and far above flash: what grows out of it meets no memory.
STACK_START = RAM_START - 1024**2
PAINT = 0xA5  # the stack is filled with it; what is left of it was never used
RETURN_TO = FLASH_START + 2 * FLASH_BYTES  # a page of its own: arriving there ends a call
PAGE = 0x1000
DEBUG_PAGES = (0xE000_1000, 0xE000_E000)  # watchpoint and trace unit; system control space
MODELS = {"m0plus": "M0", "m3": "M3", "m4": "M4", "m7": "M7", "m33": "M33"}
REASONS = {
    "UC_ERR_INSN_INVALID": "the core does not have this instruction",
    "UC_ERR_READ_UNMAPPED": "it reads where no memory is",
    "UC_ERR_WRITE_UNMAPPED": "it writes where no memory is",
    "UC_ERR_WRITE_PROT": "it writes to flash",
    "UC_ERR_FETCH_UNMAPPED": "it jumps to where no memory is",
    "UC_ERR_FETCH_PROT": "it jumps into RAM, where no code is",
    "UC_ERR_EXCEPTION": "it raises an exception that nothing handles",
}


class EmulationError(LabError):
    """A program did what the processor cannot do; the message says what and where."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What one call executed, as counts of basic blocks.

    Parameters
    ----------
    program
        What ran.
    core
        On what it ran.
    runs, sizes, jumps
        uint32, by half-word of the program from `toolchain.FLASH_START` on: how often the block
        that begins there ran, its bytes, and how often another block than the next followed.
    stack_bytes
        From the top of the stack to the lowest byte that was written.
    """

    program: Program
    core: str
    runs: Counts = field(repr=False)
    sizes: Counts = field(repr=False)
    jumps: Counts = field(repr=False)
    stack_bytes: int


class Machine:
    """A microcontroller with a program in flash: write variables, call functions, read variables.

    Parameters
    ----------
    program
        From `toolchain.compile_c`.
    core
        Runs it on another core than it was made for; for instance to see that one without DSP
        instructions refuses them.
    has_debug_unit
        Maps the pages of the cycle counter and the system control registers as plain memory, for
        programs that write to them. Nothing in them moves: cycles read 0.

    Raises
    ------
    ExtraMissingError
        If unicorn is not installed.
    EmulationError
        If there is no such core, or nothing to run.

    Examples
    --------
    >>> from labs.shared.toolchain import compile_c
    >>> machine = Machine(compile_c("int x[2]; int add(int a) { return x[0] + x[1] + a; }"))
    >>> machine.write("x", np.array([3, 4], dtype=np.int32))
    >>> machine.call("add", 5)
    12
    """

    def __init__(
        self, program: Program, *, core: str | None = None, has_debug_unit: bool = False
    ) -> None:
        self.program = program
        self.core = core or program.core.key
        if self.core not in MODELS:
            known = f"{', '.join(MODELS)}{did_you_mean(self.core, MODELS)}"
            raise EmulationError(f"core is {self.core!r}, not one of: {known}")
        unicorn = _unicorn()
        arm = unicorn.arm_const
        self._emulator = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        # By default 1 GiB is reserved for translated code: two machines would exceed a sandbox.
        self._emulator.ctl_set_tcg_buffer_size(TRANSLATION_BYTES)
        self._emulator.ctl_set_cpu_model(getattr(arm, f"UC_CPU_ARM_CORTEX_{MODELS[self.core]}"))
        self._registers = [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(4)]
        self._sp, self._lr, self._pc = arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC
        self._error = unicorn.UcError
        if not self._flash():
            raise EmulationError(
                "the program has no instructions; a compiler leaves out what can never return, "
                "such as a loop without an end"
            )
        self._map(unicorn, has_debug_unit=has_debug_unit)
        size = max(start + len(content) for start, content in self._flash()) - FLASH_START
        self._counts = BlockCounts(self._emulator, start=FLASH_START, size=size)
        self._fresh = self._emulator.context_save()
        self._is_dsp_foreign = program.core.has_dsp and not CORES[self.core].has_dsp

    def _map(self, unicorn: Any, *, has_debug_unit: bool) -> None:
        code = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        # Not executable: code that wrote itself would escape the counts.
        data = unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE
        self._emulator.mem_map(FLASH_START, FLASH_BYTES, code)
        self._emulator.mem_map(RETURN_TO, PAGE, code)
        self._emulator.mem_map(RAM_START, RAM_BYTES, data)
        self._emulator.mem_map(STACK_START, STACK_BYTES, data)
        for page in DEBUG_PAGES if has_debug_unit else ():
            self._emulator.mem_map(page, PAGE, data)
        for start, content in self.program.segments.items():
            self._emulator.mem_write(start, content)

    def _flash(self) -> list[tuple[int, bytes]]:
        segments = self.program.segments.items()
        return [(start, content) for start, content in segments if start < STACK_START]

    def write(self, name: str, values: npt.NDArray[Any]) -> None:
        """Write an array to the start of a variable.

        Parameters
        ----------
        name
            A variable of the program, static or not.
        values
            Of the type that the variable has in C.

        Raises
        ------
        EmulationError
            If there is no such variable, it is smaller, or it lies outside of memory.
        """
        content = np.ascontiguousarray(values).tobytes()
        address = self._place(name, len(content))
        try:
            self._emulator.mem_write(address, content)
        except self._error as err:
            raise EmulationError(self._nowhere(name, address)) from err

    def read(self, name: str, dtype: npt.DTypeLike, *shape: Any) -> npt.NDArray[Any]:
        """Return the start of a variable as an array.

        Parameters
        ----------
        name
            A variable of the program, static or not.
        dtype
            Of the array.
        shape
            Of the array: whole numbers or one tuple, as `numpy.reshape` takes them. It may have
            fewer bytes than the variable.

        Raises
        ------
        EmulationError
            If there is no such variable, it is smaller, or it lies outside of memory.
        """
        kind = np.dtype(dtype)
        size = kind.itemsize * int(np.prod(np.array(shape)))
        address = self._place(name, size)
        try:
            content = bytes(self._emulator.mem_read(address, size))
        except self._error as err:
            raise EmulationError(self._nowhere(name, address)) from err
        return np.frombuffer(content, kind).reshape(*shape).copy()

    def address(self, name: str) -> int:
        """Return where a variable lies, to hand to a function as a pointer."""
        return self._place(name, 0)

    def call(self, function: str, *arguments: int, budget: int = BUDGET) -> int:
        """Call a function and return what it leaves in the first register, as int32.

        Registers and stack begin fresh; variables stay as the call before left them.

        Parameters
        ----------
        function
            A name that is in the program, static or not.
        arguments
            Whole numbers and addresses; beyond four they go onto the stack.
        budget
            Half-words of code (a short instruction has one, a long one two) after which the call
            is stopped.

        Raises
        ------
        EmulationError
            If the program does what the processor cannot do, or does not return.
        """
        if function not in self.program.functions:
            known = did_you_mean(function, self.program.functions)
            raise EmulationError(f"the program has no function {function}{known}")
        self._set_up(arguments)
        self._counts.reset(budget)
        try:
            self._emulator.emu_start(self.program.functions[function][0] | 1, RETURN_TO)
        except self._error as err:
            raise EmulationError(self._told(function, str(err))) from err
        if self._counts.state.is_spent:
            raise EmulationError(
                f"{function} does not end: it ran more than {budget:,} half-words of code"
            )
        if self._at() != RETURN_TO:
            raise EmulationError(self._told(function, "it stops there, and does not return"))
        self._counts.finish()
        self._check_instructions(function)
        return int(np.uint32(self._emulator.reg_read(self._registers[0])).astype(np.int32))

    def trace(self, function: str, *arguments: int, budget: int = BUDGET) -> Trace:
        """Call a function and return what it executed.

        Parameters
        ----------
        function, arguments, budget
            As for `call`.

        Raises
        ------
        EmulationError
            As for `call`.
        """
        self.call(function, *arguments, budget=budget)
        counts = self._counts
        if 2 * counts.state.issued != int(np.dot(counts.runs.astype(np.int64), counts.sizes)):
            raise EmulationError(f"the emulator cut a block of {function} in two ways: no counts")
        return Trace(
            program=self.program,
            core=self.core,
            runs=counts.runs.copy(),
            sizes=counts.sizes.copy(),
            jumps=counts.jumps.copy(),
            stack_bytes=self.stack_bytes,
        )

    @property
    def stack_bytes(self) -> int:
        """Bytes from the top of the stack to the lowest that the last call wrote."""
        stack = np.frombuffer(bytes(self._emulator.mem_read(STACK_START, STACK_BYTES)), np.uint8)
        used = np.flatnonzero(stack != PAINT)
        return STACK_BYTES - int(used[0]) if used.size else 0

    def _set_up(self, arguments: tuple[int, ...]) -> None:
        # After a fault a register of conditions would go on into the next call.
        self._emulator.context_restore(self._fresh)
        self._emulator.mem_write(STACK_START, bytes([PAINT]) * STACK_BYTES)
        on_stack = arguments[4:] + (0,) * (len(arguments[4:]) % 2)  # eight bytes aligned
        top = STACK_START + STACK_BYTES - 4 * len(on_stack)
        if on_stack:
            values = np.array([value & 0xFFFF_FFFF for value in on_stack], dtype="<u4")
            self._emulator.mem_write(top, values.tobytes())
        for register, value in zip(self._registers, arguments, strict=False):
            self._emulator.reg_write(register, value & 0xFFFF_FFFF)
        self._emulator.reg_write(self._sp, top)
        self._emulator.reg_write(self._lr, RETURN_TO | 1)

    def _check_instructions(self, function: str) -> None:
        """Refuse DSP instructions on a core without: QEMU's M3 executes some (SMLAD, SSAT16)."""
        if not self._is_dsp_foreign:
            return
        for slot in np.flatnonzero(self._counts.runs):
            address, size = FLASH_START + 2 * int(slot), int(self._counts.sizes[slot])
            for each in decode(self.program.content(address, size), address):
                if each.is_dsp:
                    title = CORES[self.core].title
                    raise EmulationError(
                        f"{function} failed{self._where(address)} on {title}: "
                        f"the core does not have the DSP instruction {each.name.upper()}"
                    )

    def _at(self) -> int:
        return int(self._emulator.reg_read(self._pc)) & ~1

    def _where(self, address: int) -> str:
        name = self.program.function_at(address)
        return f" in {name}" if name else f" at {address:#010x}"

    def _told(self, function: str, reason: str) -> str:
        if int(self._emulator.reg_read(self._sp)) < STACK_START:
            reason = f"the stack of {STACK_BYTES:,} bytes is full"
        known = [text for code, text in REASONS.items() if f"({code})" in reason]
        where = self._where(self._at())
        return f"{function} failed{where} on {CORES[self.core].title}: {(known or [reason])[0]}"

    def _place(self, name: str, size: int) -> int:
        if name not in self.program.variables:
            known = did_you_mean(name, self.program.variables)
            raise EmulationError(f"the program has no variable {name}{known}")
        address, there = self.program.variables[name]
        if size > there:
            raise EmulationError(f"{name} has {there} bytes, {size} are asked for")
        return address

    def _nowhere(self, name: str, address: int) -> str:
        return f"{name} lies at {address:#010x}, where not enough memory is"


def _unicorn() -> Any:
    try:
        import unicorn  # noqa: PLC0415 - an extra
    except ImportError as err:
        raise ExtraMissingError(
            f"no emulator: unicorn is not installed; run: {install_command('mcu')}"
        ) from err
    return unicorn
