"""Attacks by C that a student's function returns: on our compiler, behind the walls of a desk.

`labs.engine.student.apart` compiles such a text in a process without student code. Each table of
hostile_c.toml is one text. It must read nothing that is not there for everybody, and whatever it
makes the compiler do ends with the desk. Those that read are first shown to work without walls.
"""

import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from attack_batch import OUR_SECRETS
from attack_benches import HIDDEN
from attack_corpus import HERE
from attack_world import World, end, processes

from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import Desk, StoppedError
from labs.engine.sandbox.limits import MIB, Limits

pytest.importorskip("ziglang", reason="the compiler is in the extra mcu")

TEXTS = tomllib.loads((HERE / "hostile_c.toml").read_text(encoding="utf-8"))
LIMITS = Limits(memory_bytes=512 * MIB, cpu_s=1.0, wall_s=20.0)
COMPILER = """
import os, subprocess, sys, tempfile
from pathlib import Path

def compiled(source, mark):
    with tempfile.TemporaryDirectory(prefix=mark) as folder:
        code, program = Path(folder, "a.c"), Path(folder, "a.elf")
        code.write_text(source)
        caches = ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
        target = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-O2", "-ffreestanding"]
        done = subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", *target, "-nostdlib", "-o", program, code],
            env=os.environ | dict.fromkeys(caches, str(Path(folder, "cache"))),
            capture_output=True,
        )
        made = program.read_bytes() if program.exists() else b""
        return done.returncode, (made + done.stderr)[:1_000_000].decode("latin-1")

def emulated():
    from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
    from unicorn.arm_const import UC_ARM_REG_R0
    chip = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
    chip.ctl_set_tcg_buffer_size(2**25)  # it reserves a GiB else, and ends the process without
    chip.mem_map(0x10000, 0x1000)
    chip.mem_write(0x10000, bytes.fromhex("2a200130"))  # movs r0, #42; adds r0, #1
    chip.emu_start(0x10001, 0x10004)
    return chip.reg_read(UC_ARM_REG_R0)
"""
START = "\nvoid _start(void) { for (;;) { } }\n"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the texts are for Linux"),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]


def names(aim: str) -> list[str]:
    return [name for name, text in TEXTS.items() if text["aim"] == aim]


@pytest.fixture
def world():
    """A secret outside /tmp, which walls replace whatever else they do."""
    base = "/var/tmp" if Path("/var/tmp").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="dcy", dir=base) as folder:
        Path(folder).chmod(0o755)
        made = World(Path(folder) / "world")
        made.places["HIDDEN"] = str(HIDDEN)
        made.needles += [made.secret.read_text(encoding="ascii").strip(), *OUR_SECRETS]
        yield made
        end(made.mark)


def source(name: str, world: World) -> str:
    return world.fill(TEXTS[name]["code"], many=0, mib=0) + START


def tried(name: str, world: World) -> tuple[int, str]:
    """Return what the compiler made of a text at a desk, and whether anything lives on."""
    with Desk(limits=LIMITS) as desk:
        desk.run_cell(COMPILER)
        try:
            got = desk.student().compiled(source(name, world), world.mark)
        except StoppedError as err:
            got = -1, str(err)
    assert processes(world.mark) == []
    return got


def test_honest_code_is_compiled_and_emulated(world):
    with Desk(limits=LIMITS) as desk:
        desk.run_cell(COMPILER)
        code, made = desk.student().compiled(START, world.mark)
        assert (code, made[:4]) == (0, "\x7fELF")
        assert desk.student().emulated() == 43


@pytest.mark.parametrize("name", names("read"))
def test_it_reads_nothing(name, world):
    _, made = tried(name, world)
    assert [needle for needle in world.needles if needle in made] == []
    assert "COURSE" not in made


@pytest.mark.parametrize("name", [n for n in names("read") if "unproven" not in TEXTS[n]])
def test_without_walls_it_does(name, world):
    space: dict = {}
    exec(COMPILER, space)
    _, made = space["compiled"](source(name, world), world.mark)
    assert [needle for needle in world.needles if needle in made]


@pytest.mark.parametrize("name", names("stop"))
def test_it_ends(name, world):
    code, made = tried(name, world)
    assert code != 0
    assert made
