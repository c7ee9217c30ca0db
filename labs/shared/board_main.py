"""Files for those who have a board: generated code with a main that counts its cycles.

Estimates of cycles (`cycles`) end where flash waits and buses contend; the cycle counter of a real
core knows. Nothing is built or flashed here; the README among the files says how.
"""

from pathlib import Path

from labs.engine.catalog import did_you_mean
from labs.engine.errors import UsageError
from labs.shared.toolchain import CORES

HERE = Path(__file__).parent
UNLOCK = "  *(volatile uint32_t *)0xE0001FB0u = 0xC5ACCE55u; /* DWT->LAR: writes are let in */\n"

LINKER_SCRIPT = """\
ENTRY(board_reset)
MEMORY {{
  FLASH (rx) : ORIGIN = {flash_start:#x}, LENGTH = {flash_bytes}
  RAM (rwx) : ORIGIN = {ram_start:#x}, LENGTH = {ram_bytes}
}}
board_stack_top = ORIGIN(RAM) + LENGTH(RAM);
SECTIONS {{
  .text : {{ KEEP(*(.vectors)) *(.text*) }} > FLASH
  .rodata : {{ *(.rodata*) . = ALIGN(4); }} > FLASH
  .data : {{
    . = ALIGN(4); board_data_start = .; *(.data*) . = ALIGN(4); board_data_end = .;
  }} > RAM AT> FLASH
  board_data_in_flash = LOADADDR(.data);
  .bss (NOLOAD) : {{
    . = ALIGN(4); board_bss_start = .; *(.bss* COMMON) . = ALIGN(4); board_bss_end = .;
  }} > RAM
  /DISCARD/ : {{ *(.comment) *(.note*) *(.ARM.exidx*) *(.ARM.extab*) }}
}}
"""

README = """\
# Cycles on a {title}

    arm-none-eabi-gcc -mcpu={cpu} -mthumb -O2 -g -ffreestanding -nostartfiles -nostdlib \\
        -T board.ld main.c startup.c -lgcc -o board.elf
    openocd -f board/YOUR_BOARD.cfg -c "program board.elf verify reset"
    gdb-multiarch board.elf -ex "target extended-remote :3333" -ex "print board_cycles"

`board.ld` has the flash and RAM of your chip: {flash_bytes:,} bytes at {flash_start:#x} and
{ram_bytes:,} bytes at {ram_start:#x}; correct it if that is not so. `pyocd flash board.elf`
does what openocd does. In a project of the chip's vendor take `main.c` alone, and rename `main` if
the project has one.
"""


def board_files(
    source: str,
    core: str,
    *,
    flash: tuple[int, int] = (0x0800_0000, 512 * 1024),
    ram: tuple[int, int] = (0x2000_0000, 128 * 1024),
    runs: int = 10,
) -> dict[str, str]:
    """Return files that measure generated code on a board, by name.

    Parameters
    ----------
    source
        C code with a function ``void model_run(void)``.
    core
        One of `toolchain.CORES` but ``m0plus``, which has no cycle counter.
    flash, ram
        Address and bytes of the chip's memories; the defaults suit an STM32 with that much.
    runs
        How often it is measured, 1 or more.

    Raises
    ------
    UsageError
        If the core is unknown or has no cycle counter.

    Examples
    --------
    >>> sorted(board_files("void model_run(void) {}", "m4"))
    ['README.md', 'board.ld', 'main.c', 'startup.c']
    """
    if core not in CORES:
        raise UsageError(
            f"core is {core!r}, not one of: {', '.join(CORES)}{did_you_mean(core, CORES)}"
        )
    if core == "m0plus":
        raise UsageError("a Cortex-M0+ has no cycle counter: take a timer of the chip")
    main = (HERE / "board_main.c").read_text(encoding="ascii")
    main = main.replace("@RUNS@", str(runs)).replace("@UNLOCK@", UNLOCK if core == "m7" else "")
    places = {
        "flash_start": flash[0],
        "flash_bytes": flash[1],
        "ram_start": ram[0],
        "ram_bytes": ram[1],
    }
    made = CORES[core]
    return {
        "main.c": f"{source}\n{main}",
        "startup.c": (HERE / "board_startup.c").read_text(encoding="ascii"),
        "board.ld": LINKER_SCRIPT.format(**places),
        "README.md": README.format(title=made.title, cpu=made.gcc_cpu, **places),
    }
