"""Files for a board: they compile, link, start and measure, as far as that goes without a board."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from labs.engine.errors import UsageError
from labs.shared.board_main import board_files
from labs.shared.emulator import Machine
from labs.shared.toolchain import compile_c

MODEL = "int model_calls = 7; int model_zero; void model_run(void) { model_calls++; }"


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
def test_the_main_runs_the_model_and_keeps_every_count(core):
    main = board_files(MODEL, core, runs=5)["main.c"]
    assert ("0xC5ACCE55" in main) == (core == "m7")
    machine = Machine(compile_c(main, core), has_debug_unit=True)
    machine.write("board_cycles", np.full(5, 9, dtype=np.uint32))
    assert machine.call("main") == 0
    assert machine.read("model_calls", np.int32, (1,)) == 12
    assert machine.read("board_is_done", np.uint32, (1,)) == 1
    # The counter stands still here.
    assert machine.read("board_cycles", np.uint32, (5,)).tolist() == [0] * 5
    control = np.frombuffer(bytes(machine._emulator.mem_read(0xE0001000, 4)), "<u4")
    monitor = np.frombuffer(bytes(machine._emulator.mem_read(0xE000EDFC, 4)), "<u4")
    assert control[0] & 1
    assert monitor[0] == 1 << 24


@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no arm-none-eabi-gcc")
def test_the_command_of_the_readme_builds_what_a_chip_starts_from(tmp_path):
    files = board_files(MODEL, "m4", flash=(0x0800_0000, 65536), ram=(0x2000_0000, 20480))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    command = re.search(r"arm-none-eabi-gcc[^\n]*\n[^\n]*", files["README.md"])[0]
    subprocess.run(command.replace("\\\n", "").split(), cwd=tmp_path, check=True)
    tool = ["arm-none-eabi-objcopy", "-O", "binary", "board.elf", "board.bin"]
    subprocess.run(tool, cwd=tmp_path, check=True)
    words = np.frombuffer((tmp_path / "board.bin").read_bytes()[:64], "<u4")
    names = subprocess.run(
        ["arm-none-eabi-nm", "board.elf"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    reset = int(re.search(r"(\w+) T board_reset", names)[1], 16)
    assert words[0] == 0x2000_0000 + 20480
    assert words[1] == reset | 1
    assert (words[2:7] & 1).all()


@pytest.mark.parametrize(
    ("core", "said"), [("m0plus", "no cycle counter: take a timer"), ("m44", "did you mean 'm4'")]
)
def test_a_core_without_the_counter_is_refused(core, said):
    with pytest.raises(UsageError, match=said):
        board_files(MODEL, core)
