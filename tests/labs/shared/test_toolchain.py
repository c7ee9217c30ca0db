"""The compiler: what programs take up, what errors say, code for this machine."""

import ctypes
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labs.engine.errors import ExtraMissingError
from labs.shared import toolchain
from labs.shared.toolchain import CORES, CompilerError, HostLibrary, compile_c, find_compiler

SOURCE = """
#include <stdint.h>
static const uint8_t table[12] = {1, 2, 3};
int32_t start = 5;
int16_t zeros[10];
int64_t product(int64_t a, int64_t b) { return a * b; }
int never_called(int a) { return table[a] + start + zeros[a]; }
"""
SHARED = {"Linux": "so", "Darwin": "dylib", "Windows": "dll"}
has_gcc = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no arm-none-eabi-gcc")


@pytest.mark.parametrize("core", CORES)
def test_sizes_are_those_of_what_is_in_the_code(core):
    program = compile_c(SOURCE, core)
    assert {"product", "never_called"} <= set(program.functions)
    assert program.sections[".rodata"] == 12
    assert (program.sections[".data"], program.sections[".bss"]) == (4, 20)
    assert set(program.sections) == {".text", ".rodata", ".data", ".bss"}
    assert program.flash_bytes == program.code_bytes + 12 + 4
    assert program.ram_bytes == 24
    assert program.variables["zeros"][1] == 20


def test_of_the_compilers_helpers_only_those_in_use_take_flash():
    program = compile_c(SOURCE, "m0plus")
    assert "__aeabi_lmul" in program.functions  # 64-bit multiplication, which M0+ lacks
    assert program.code_bytes < 300


def test_copies_of_structures_link_on_every_core():
    source = "struct S { int a[40]; } x, y; void copy(void) { x = y; }"
    assert all("copy" in compile_c(source, core).functions for core in ("m0plus", "m4"))


@has_gcc
@pytest.mark.parametrize("core", CORES)
def test_gcc_gives_the_same_variables(core):
    ours, gcc = compile_c(SOURCE, core), compile_c(SOURCE, core, compiler="gcc")
    assert gcc.compiler.startswith("arm-none-eabi-gcc ")
    assert set(gcc.sections) == set(ours.sections)
    assert gcc.ram_bytes == ours.ram_bytes
    assert gcc.sections[".rodata"] == 12
    assert {"product", "never_called"} <= set(gcc.functions)


@has_gcc
def test_sizes_are_those_of_binutils(tmp_path):
    program = compile_c(SOURCE, "m4")
    elf = tmp_path / "program.elf"
    elf.write_bytes(program.elf)
    told = subprocess.run(
        ["arm-none-eabi-size", "-A", elf], capture_output=True, text=True, check=True
    ).stdout
    sizes = dict(re.findall(r"^(\.\w+)\s+(\d+)", told, re.MULTILINE))
    assert {name: str(size) for name, size in program.sections.items()}.items() <= sizes.items()


def test_a_program_is_compiled_once_and_depends_on_nothing_else():
    assert compile_c(SOURCE) is compile_c(SOURCE)
    elf = compile_c(SOURCE).elf
    toolchain._compiled.cache_clear()
    assert compile_c(SOURCE).elf == elf


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("int f(int a) { return b; }", r"source\.c:1:23: error: use of undeclared identifier 'b'"),
        ("int g(int); int f(int a) { return g(a); }", "undefined symbol: g"),
        ('#include "nowhere/secret.h"\n', r"error: .*secret\.h' file not found"),
        ('__asm__(".incbin \\"/nowhere/x/secret\\"");', "error: .*secret"),
        ("#error " + "word " * 3000, "error: word"),
    ],
)
def test_what_does_not_compile_is_told_in_one_line_without_folders(source, said):
    with pytest.raises(CompilerError, match=said) as caught:
        compile_c(source, "m0plus")
    message = str(caught.value)
    assert message.startswith("the C code does not compile: ")
    assert "\n" not in message
    assert "/tmp" not in message
    assert "/nowhere" not in message
    assert len(message) <= toolchain.MESSAGE_CHARACTERS + 40


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"core": "m4f"}, "core is 'm4f', not one of: .*; did you mean 'm4'?"),
        ({"optimize": "-O4"}, "optimize is '-O4', not one of: "),
        ({"optimize": "-fplugin=x"}, "optimize is"),
    ],
)
def test_an_unknown_choice_names_the_known_ones(chosen, said):
    with pytest.raises(CompilerError, match=re.escape(said).replace(r"\.\*", ".*")):
        compile_c("int f;", **chosen)


def test_a_missing_compiler_is_named_with_its_remedy(monkeypatch):
    with pytest.raises(ExtraMissingError, match="no C compiler 'tcc' here; use zig"):
        find_compiler("tcc")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ExtraMissingError, match="install arm-none-eabi-gcc"):
        find_compiler("gcc")
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(ExtraMissingError, match=r'install .*"mlsys-course\[mcu\]"'):
        compile_c("int f;")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("char huge[2000000000];", "RAM"),
        ("const char huge[3000000] = {1};", "FLASH"),
    ],
)
def test_what_is_too_large_for_the_chip_is_told_with_a_remedy(source, said):
    with pytest.raises(CompilerError, match=rf"larger than .* take smaller arrays.*{said}") as err:
        compile_c(source)
    assert "\n" not in str(err.value)


def test_a_compiler_that_does_not_start_or_says_nothing_is_told_so(tmp_path):
    gone = toolchain.Compiler("zig 0", (str(tmp_path / "zig"), "cc"))
    with pytest.raises(CompilerError, match=r"the compiler zig 0 does not start \(No such file"):
        toolchain._run(gone, [], tmp_path)
    silent = toolchain.Compiler("silent", (sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(CompilerError, match="the compiler gave no reason; is something in it"):
        toolchain._run(silent, [], tmp_path)


def test_a_compiler_that_does_not_end_is_stopped_with_its_children(monkeypatch, tmp_path):
    left = tmp_path / "left"
    script = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', " + repr(
        f"import time; time.sleep(2); open({str(left)!r}, 'w')"
    )
    slow = toolchain.Compiler("slow", (sys.executable, "-c", script + "]); time.sleep(60)"))
    monkeypatch.setattr(toolchain, "TIME_LIMIT_S", 0.5)
    with pytest.raises(CompilerError, match="compiling took more than 0 s"):
        toolchain._run(slow, [], tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(9)"], timeout=2, check=True)
    assert not left.exists()


def test_code_for_this_machine_shares_its_variables():
    library = HostLibrary("int x[3]; int sum(void) { return x[0] + x[1] + x[2]; }").functions
    values = np.ctypeslib.as_array((ctypes.c_int * 3).in_dll(library, "x"))
    values[:] = 1, 20, 300
    assert library.sum() == 321


@pytest.mark.parametrize("system", ["x86_64-windows-gnu", "aarch64-macos", "x86_64-linux-gnu"])
def test_code_for_the_machines_of_others_links(system, tmp_path, monkeypatch):
    zig = find_compiler()
    name = {"windows": "Windows", "macos": "Darwin", "linux": "Linux"}[system.split("-")[1]]
    monkeypatch.setattr(platform, "system", lambda: name)
    monkeypatch.setattr(ctypes, "CDLL", lambda path: Path(path).read_bytes())
    monkeypatch.setattr(
        toolchain,
        "_find_zig",
        lambda: toolchain.Compiler(zig.name, (*zig.command, "-target", system)),
    )
    counter = Path(toolchain.__file__).with_name("block_counter.c").read_text(encoding="ascii")
    content = HostLibrary(counter).functions
    assert b"count_block" in content
    assert content[:4] in {b"\x7fELF", b"MZ\x90\0", b"MZx\0", b"\xcf\xfa\xed\xfe"}
