"""A C compiler for microcontrollers and for this machine, and what its programs take up.

The compiler is zig's, which comes with pip (extra ``mcu``), or ``arm-none-eabi-gcc`` where that is
asked for and found. A program for a microcontroller is freestanding: no operating system, no C
library, code and constants in flash, everything else in RAM. Nothing is run here; `emulator` runs
programs for microcontrollers, and `HostLibrary` those for this machine.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from labs.engine.catalog import did_you_mean
from labs.engine.errors import ExtraMissingError, LabError
from labs.engine.extras import install_command
from labs.shared.elf import Image, read_image

FLASH_START, RAM_START = 0x0800_0000, 0x2000_0000
FLASH_BYTES, RAM_BYTES = 2 * 1024**2, 1024**2
OPTIMIZATIONS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz")
MOST_PROCESSORS = 4
TIME_LIMIT_S = 120.0  # the first build of the compiler's own helpers takes ten seconds
MESSAGE_LINES, MESSAGE_CHARACTERS = 3, 400
ERROR = re.compile(r"\b[Ee]rror:|undefined reference|will not fit")
SILENCE = "the compiler gave no reason; is something in it very large?"
COUNT = re.compile(r"\d+ errors? generated|collect2:")
# Windows calls it when it loads a library.
WINDOWS_ENTRY = "\nint DllMainCRTStartup(void *a, unsigned b, void *c) { return 1; }\n"

# All of program.o stays, since the emulator calls functions by name; of the compiler's own helpers
# (64-bit arithmetic on M0+, memcpy) only what is used. Tables for unwinding have no reader.
LINKER_SCRIPT = f"""\
MEMORY {{
  FLASH (rx) : ORIGIN = {FLASH_START:#x}, LENGTH = {FLASH_BYTES}
  RAM (rw) : ORIGIN = {RAM_START:#x}, LENGTH = {RAM_BYTES}
}}
SECTIONS {{
  .text : {{ KEEP(*program.o(.text*)) *(.text*) }} > FLASH
  .rodata : {{ KEEP(*program.o(.rodata*)) *(.rodata*) }} > FLASH
  .data : {{ KEEP(*program.o(.data*)) *(.data*) }} > RAM AT> FLASH
  .bss (NOLOAD) : {{ KEEP(*program.o(.bss* COMMON)) *(.bss* COMMON) }} > RAM
  /DISCARD/ : {{ *(.comment) *(.note*) *(.ARM.exidx*) *(.ARM.extab*) }}
}}
"""


class CompilerError(LabError):
    """C code was refused by the compiler; the message has its first lines."""


@dataclass(frozen=True)
class Core:
    """A processor that code is made for.

    Parameters
    ----------
    key, title
        Such as ``m4`` and ``Cortex-M4``.
    zig_cpu, gcc_cpu
        Its names for the two compilers.
    has_dsp
        Whether it has the 16-bit SIMD instructions (SMLAD, SXTB16, SMMULR).
    """

    key: str
    title: str
    zig_cpu: str
    gcc_cpu: str
    has_dsp: bool


CORES = {
    core.key: core
    for core in (
        Core("m0plus", "Cortex-M0+", "cortex_m0plus", "cortex-m0plus", has_dsp=False),
        Core("m3", "Cortex-M3", "cortex_m3", "cortex-m3", has_dsp=False),
        Core("m4", "Cortex-M4", "cortex_m4", "cortex-m4", has_dsp=True),
        Core("m7", "Cortex-M7", "cortex_m7", "cortex-m7", has_dsp=True),
        # zig's cortex_m33 alone has no DSP extension.
        Core("m33", "Cortex-M33", "cortex_m33+dsp", "cortex-m33", has_dsp=True),
    )
}


@dataclass(frozen=True, eq=False)
class Program(Image):
    """A compiled program for a microcontroller.

    Parameters
    ----------
    core
        What it was made for.
    elf
        The file that the compiler wrote.
    compiler
        Name and version, on which counts depend.
    """

    core: Core
    elf: bytes = field(repr=False)
    compiler: str


@dataclass(frozen=True)
class Compiler:
    """A C compiler that is here: its name with version, and how it is called."""

    name: str
    command: tuple[str, ...]

    @property
    def is_zig(self) -> bool:
        """Whether it is zig's, which has other names for processors."""
        return self.name.startswith("zig")


def find_compiler(name: str = "zig") -> Compiler:
    """Return a compiler.

    Parameters
    ----------
    name
        ``"zig"`` or ``"gcc"``, which stands for ``arm-none-eabi-gcc``.

    Raises
    ------
    ExtraMissingError
        If it is not here, with the remedy.
    """
    if name == "zig":
        return _find_zig()
    path = shutil.which("arm-none-eabi-gcc")
    if name != "gcc" or path is None:
        raise ExtraMissingError(
            f"no C compiler {name!r} here; use zig, or install arm-none-eabi-gcc for gcc"
        )
    return Compiler(f"arm-none-eabi-gcc {_version(path)}", (path,))


def _find_zig() -> Compiler:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise ExtraMissingError(
            f"no C compiler: ziglang is not installed; run: {install_command('mcu')}"
        )
    # Called by its path: started as a Python module, it would outlive a time limit on Windows.
    program = Path(spec.origin).with_name("zig.exe" if platform.system() == "Windows" else "zig")
    return Compiler(f"zig {metadata.version('ziglang')}", (str(program), "cc"))


@functools.cache
def _version(path: str) -> str:
    told = subprocess.run([path, "-dumpversion"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def compile_c(
    source: str, core: str = "m4", *, optimize: str = "-O2", compiler: str = "zig"
) -> Program:
    """Return a program for a microcontroller.

    Parameters
    ----------
    source
        One C file; functions that nothing calls stay if they are not static.
    core
        One of `CORES`.
    optimize
        One of `OPTIMIZATIONS`.
    compiler
        As for `find_compiler`.

    Raises
    ------
    CompilerError
        If the code does not compile, with what the compiler says, or the core is unknown.
    ExtraMissingError
        If there is no compiler.

    Examples
    --------
    >>> program = compile_c("int model_run(int a) { return a + 1; }", "m0plus")
    >>> program.core.title, "model_run" in program.functions, program.ram_bytes
    ('Cortex-M0+', True, 0)
    """
    for name, value, known in (("core", core, CORES), ("optimize", optimize, OPTIMIZATIONS)):
        if value not in known:
            raise CompilerError(
                f"{name} is {value!r}, not one of: {', '.join(known)}{did_you_mean(value, known)}"
            )
    return _compiled(source, core, optimize, find_compiler(compiler))


@functools.lru_cache(maxsize=64)
def _compiled(source: str, core: str, optimize: str, compiler: Compiler) -> Program:
    made = CORES[core]
    target = [*_target(made, compiler), "-ffreestanding", "-DFREESTANDING", "-g0", optimize]
    with tempfile.TemporaryDirectory(prefix="course-c-") as name:
        folder = Path(name)
        (folder / "source.c").write_text(source, encoding="utf-8")
        (folder / "device.ld").write_text(LINKER_SCRIPT, encoding="ascii")
        _run(compiler, [*target, *CODE_ARGUMENTS, "-c", "source.c", "-o", "program.o"], folder)
        _link(compiler, target, folder)
        elf = (folder / "program.elf").read_bytes()
    image = read_image(elf)
    parts = (image.sections, image.segments, image.functions, image.variables)
    return Program(*parts, core=made, elf=elf, compiler=compiler.name)


CODE_ARGUMENTS = (
    *("-std=c11", "-fno-strict-aliasing", "-fomit-frame-pointer"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
)


def _target(core: Core, compiler: Compiler) -> list[str]:
    # No floating-point unit: not every chip with the core has one, and exact code needs none.
    if compiler.is_zig:
        # zig's default build stops at undefined behaviour.
        chosen = ["-target", "thumb-freestanding-eabi", f"-mcpu={core.zig_cpu}"]
        return [*chosen, "-mfloat-abi=soft", "-fno-sanitize=all"]
    return [f"-mcpu={core.gcc_cpu}", "-mthumb", "-mfloat-abi=soft"]


def _link(compiler: Compiler, target: Sequence[str], folder: Path) -> None:
    # Without -g zig takes the names of functions out.
    files = [
        "-g",
        "-Wl,--gc-sections",
        "-Wl,-e,0",
        "-Wl,-T,device.ld",
        "program.o",
        "-o",
        "program.elf",
    ]
    if not compiler.is_zig:
        _run(compiler, [*target, "-nostartfiles", "-nodefaultlibs", *files, "-lgcc"], folder)
        return
    try:
        _run(compiler, [*target, "-nostdlib", *files], folder)
    except CompilerError as err:
        if "undefined symbol" not in str(err):
            raise
        # zig builds its helpers once for each core, in seconds: only where they are needed.
        _run(compiler, [*target, *files], folder)


def _run(compiler: Compiler, arguments: Sequence[str], folder: Path) -> None:
    """Run a compiler in a folder, and stop all that it started when it takes too long."""
    command = [*compiler.command, *arguments]
    try:
        returned, message = _finished(command, folder)
    except OSError as err:
        raise CompilerError(
            f"the compiler {compiler.name} does not start ({err.strerror}); install it again"
        ) from err
    if returned and "will not fit" in message:
        raise CompilerError(
            f"the program is larger than {FLASH_BYTES:,} B of flash or {RAM_BYTES:,} B of RAM; "
            f"take smaller arrays or a smaller network ({_first_errors(message)})"
        )
    if returned:
        raise CompilerError(f"the C code does not compile: {_first_errors(message)}")


def _finished(command: Sequence[str], folder: Path) -> tuple[int, str]:
    with (
        _few_processors(),
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=folder,
            env={**os.environ, **_caches()},
            start_new_session=True,
        ) as process,
    ):
        try:
            _, message = process.communicate(timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired as err:
            _kill(process)
            raise CompilerError(f"compiling took more than {TIME_LIMIT_S:.0f} s") from err
    return process.returncode, message


def _kill(process: subprocess.Popen[str]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)  # the compiler's own children too
    else:
        process.kill()
    process.communicate()


@functools.cache
def _caches() -> dict[str, str]:
    """Keep zig's caches out of the working folder, where no other user can write."""
    home = Path.home()
    is_usable = os.access(home, os.W_OK)
    place = home / ".cache" / "course-zig" if is_usable else tempfile.mkdtemp(prefix="course-zig-")
    return {
        name: os.environ.get(name, str(place))
        for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
    }


@contextlib.contextmanager
def _few_processors() -> Iterator[None]:
    """Leave few processors to what is started: zig's linker takes a thread for each it may use.

    A sandbox on a large machine allows fewer threads than there are processors.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(allowed) <= MOST_PROCESSORS:
        yield
        return
    os.sched_setaffinity(0, sorted(allowed)[:MOST_PROCESSORS])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _first_errors(message: str) -> str:
    r"""Return the first errors of a compiler in one line, without folders of this machine.

    Examples
    --------
    >>> _first_errors("In file x:\n/a/b/source.c:3:1: error: expected ';'\n  int a\n")
    "source.c:3:1: error: expected ';'"
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.search(line) and not COUNT.match(line)]
    chosen = (errors or lines[-1:] or [SILENCE])[:MESSAGE_LINES]
    said = re.sub(r"(?:[A-Za-z]:)?[/\\\\](?:[^/\\\\\s:'\"]+[/\\\\])+", "", "; ".join(chosen))
    is_long = len(said) > MESSAGE_CHARACTERS
    return f"{said[:MESSAGE_CHARACTERS]} ..." if is_long else said


class HostLibrary:
    """C code compiled for this machine and loaded into this process; call its functions by name.

    Only for code that the project makes: nothing limits what it does.

    Parameters
    ----------
    source
        One C file without calls of a C library.
    optimize
        As for `compile_c`.

    Raises
    ------
    CompilerError
        If the code does not compile.
    ExtraMissingError
        If there is no compiler.

    Examples
    --------
    >>> HostLibrary("int twice(int a) { return 2 * a; }").functions.twice(21)
    42
    """

    def __init__(self, source: str, *, optimize: str = "-O2") -> None:
        suffix = {"Windows": ".dll", "Darwin": ".dylib"}.get(platform.system(), ".so")
        arguments = ["-shared", "-nostdlib", "-ffreestanding", "-DFREESTANDING", "-std=c11"]
        arguments += ["-fno-sanitize=all", "-fno-strict-aliasing", "-fno-stack-protector", "-g0"]
        if suffix == ".dll":
            source += WINDOWS_ENTRY
        else:
            arguments.append("-fPIC")
        with tempfile.TemporaryDirectory(prefix="course-c-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / "source.c").write_text(source, encoding="utf-8")
            files = ["source.c", "-o", f"library{suffix}"]
            _run(_find_zig(), [*arguments, optimize, *files], folder)
            self.functions = ctypes.CDLL(str(folder / f"library{suffix}"))
