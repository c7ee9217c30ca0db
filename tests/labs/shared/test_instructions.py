"""Counts and cycles of assembly that was counted by hand, and of QEMU's own count."""

import itertools
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine.errors import LabError
from labs.shared import board_main, toolchain
from labs.shared.cycles import CYCLE_TABLES
from labs.shared.decoding import CLASSES, decode
from labs.shared.emulator import Machine
from labs.shared.instructions import profile
from labs.shared.toolchain import CORES, compile_c

BUFFER = "int buffer[16]; short half = 7;\n"


def naked(body: str, core: str = "m4", *arguments: int):
    """What is executed by assembly alone: the caller returns by what the body ends in."""
    lines = "".join(f'"{line.strip()}\\n"' for line in body.strip().splitlines())
    source = f"{BUFFER}__attribute__((naked)) void f(void) {{ __asm__ volatile({lines}); }}"
    machine = Machine(compile_c(source, core))
    if not arguments:
        arguments = (machine.address("buffer"), machine.address("buffer") + 32)
    return profile(machine.trace("f", *arguments))


def one(body: str, core: str = "m4"):
    """The cycles of straight code, without the return after it."""
    low, high = naked(f"{body}\nbx lr", core).cycles
    refill = CYCLE_TABLES[core].refill
    return low - 1 - refill[0], high - 1 - refill[1]


def test_a_loop():
    """1 + 10 x 2 + 1 instructions; nine branches back and the return are taken.

    M4: 22 cycles and 10 refills of 1 to 3. M0+: 22 and 10 refills of 1.
    """
    loop = "movs r1, #10\n1: subs r1, #1\nbne 1b\nbx lr"
    found = naked(loop)
    assert found.instructions == 22
    assert found.by_class == {"alu": 11, "branch": 11}
    assert found.by_function == {"f": 22}
    assert (found.taken_branches, found.loads, found.stores, found.stack_bytes) == (10, 0, 0, 0)
    assert found.cycles == (32, 52)
    assert naked(loop, "m0plus").cycles == (32, 32)
    assert naked(loop, "m33").cycles is None


def test_memory():
    """Stores: 3 pushed, 1, 2, 3. Loads: 1, 1, 2, 3, 1 of the table, 3 popped, a return among them.

    M4: PUSH 4, STR 1..2, LDR 2, LDRB after it 1..2, LDRD 3, LDM 4, STRD 3, STM 4, LDR of a
    constant 2..3, POP 4 and a refill of 1..3.
    """
    found = naked(
        """push {r4, r5, lr}
        str r1, [r0]
        ldr r2, [r0, #4]
        ldrb r3, [r0, #1]
        ldrd r2, r3, [r0, #8]
        ldm r0, {r2, r3, r4}
        strd r2, r3, [r0, #8]
        stm r0, {r2, r3, r4}
        ldr r2, 1f
        pop {r4, r5, pc}
        .p2align 2
        1: .word 5"""
    )
    assert found.by_class == {"load": 6, "store": 4}
    assert (found.loads, found.stores) == (1 + 1 + 2 + 3 + 1 + 3, 3 + 1 + 2 + 3)
    assert found.stack_bytes == 12
    assert found.taken_branches == 1
    assert found.cycles == (4 + 1 + 2 + 1 + 3 + 4 + 3 + 4 + 2 + 4 + 1,
                            4 + 2 + 2 + 2 + 3 + 4 + 3 + 4 + 3 + 4 + 3)  # fmt: skip


@pytest.mark.parametrize(
    ("core", "cycles"),
    # PUSH 1 + 2, LDR 2, STR 2, MULS 1 or 32, BL 3, inner BX 2, POP with PC 3 + 2
    [("m0plus", (18, 49))],
)
def test_the_smallest_core_leaves_little_open(core, cycles):
    body = "push {r4, lr}\nldr r2, [r0]\nstr r2, [r0]\nmuls r2, r2\nbl 1f\npop {r4, pc}\n1: bx lr"
    assert naked(body, core).cycles == cycles


@pytest.mark.parametrize(
    ("body", "cycles"),
    [
        # Examples of Arm DDI 0439D, 3.3.2: 3, 3, 4, 4 and 3 cycles.
        ("ldr r2, [r0]\nldr r3, [r1]", (3, 4)),
        ("ldr r3, [r0, r2]\nstr r3, [r1, #20]", (3, 4)),
        ("ldr r2, [r0]\nldr r3, [r1]\nldr r12, [r1, #4]", (4, 6)),
        ("ldm r0, {r2, r3, r12}", (4, 4)),
        ("ldrd r2, r3, [r0]", (3, 3)),
        # An address that was loaded: nothing overlaps. One that was computed: a stall, perhaps.
        ("str r0, [r0]\nldr r2, [r0]\nldr r3, [r2]", (1 + 2 + 2, 2 + 2 + 2)),
        ("add r2, r0, #4\nldr r3, [r2]", (1 + 2, 1 + 2 + 1)),
        ("add r2, r0, #4\nstr r3, [r2]", (1 + 1, 1 + 2 + 1)),
        ("smlad r2, r2, r2, r2\nsmull r2, r3, r2, r2\nmla r2, r2, r2, r2", (3, 3)),
        ("movs r2, #3\nsdiv r2, r2, r2", (3, 13)),
        # IT folds onto a short instruction, never onto a long one; what is skipped takes a cycle.
        ("movs r2, #1\nit eq\nldreq r3, [r0]", (1 + 0 + 1, 1 + 1 + 2)),
        ("mov.w r2, #1\nit eq\nmoveq r3, r2", (1 + 1 + 1, 3)),
    ],
)
def test_cycles_of_the_manual(body, cycles):
    assert one(body) == cycles


def test_long_multiplications_take_longer_on_m3():
    body = "mul r2, r2, r2\nmla r2, r2, r2, r2\nsmull r2, r3, r2, r2\numlal r2, r3, r2, r2"
    assert one(body, "m3") == (1 + 2 + 3 + 4, 1 + 2 + 5 + 7)
    assert one(body, "m4") == (4, 4)


def test_a_table_branch():
    """MOVS 1, TBB 2..3 and a refill, the middle ADDS, the return: 3 words of code jump twice."""
    found = naked(
        """movs r1, #1
        tbb [pc, r1]
        1: .byte (2f - 1b) / 2, (3f - 1b) / 2
        2: adds r0, #1
        3: adds r0, #2
        bx lr"""
    )
    assert found.by_class == {"alu": 2, "branch": 2}
    assert (found.loads, found.taken_branches) == (1, 2)
    assert found.cycles == (1 + 2 + 1 + 1 + 1 + 1, 1 + 3 + 3 + 1 + 1 + 3)


def test_skipped_instructions_count_as_issued():
    found = naked("cmp r0, r0\nitte eq\nmoveq r2, #1\naddeq r2, #1\nldrne r3, [r0]\nbx lr")
    assert found.by_class == {"alu": 3, "it": 1, "load": 1, "branch": 1}
    assert found.loads == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("simd", "smlad r2, r0, r1, r2; smuadx r2, r0, r1; smlald r2, r3, r0, r1"),
        ("simd", "smlsdx r2, r0, r1, r2; smlsld r2, r3, r0, r1; smusd r2, r0, r1"),
        ("simd", "sxtb16 r2, r0, ror #8; uxtab16 r2, r0, r1; pkhbt r2, r0, r1, lsl #16"),
        ("simd", "sadd16 r2, r0, r1; uqsub8 r2, r0, r1; shasx r2, r0, r1; sel r2, r0, r1"),
        ("simd", "ssat16 r2, #4, r0; usat16 r2, #4, r0; usada8 r2, r0, r1, r2"),
        ("multiply", "smulbb r2, r0, r1; smlatb r2, r0, r1, r2; smulwb r2, r0, r1"),
        ("multiply", "smmulr r2, r0, r1; smmls r2, r0, r1, r2; umaal r2, r3, r0, r1"),
        ("multiply", "smlalbt r2, r3, r0, r1; mul r2, r0, r1; smlal r2, r3, r0, r1"),
        ("multiply", "mls r2, r0, r1, r2; umull r2, r3, r0, r1; smlawb r2, r0, r1, r2"),
        ("divide", "udiv r2, r0, r1; sdiv r2, r0, r1"),
        ("alu", "qadd r2, r0, r1; sxtab r2, r0, r1; ssat r2, #8, r0; sxtb r2, r0"),
        ("alu", "clz r2, r0; rbit r2, r0; ubfx r2, r0, #1, #2; bic r2, r0, r1"),
        ("alu", "bfi r2, r0, #1, #2; nop; movt r2, #1; adr r2, 1f; 1: tst r2, r0"),
        ("load", "ldrsb r2, [r0]; ldrh r2, [r0], #2; ldr r2, [r0, #-4]!; pop {r2}"),
        ("load", "ldrd r2, r3, [r0]; ldmdb r1, {r2, r3}; ldrex r2, [r0]"),
        ("store", "strb r2, [r0]; strh r2, [r0, r1]; str r2, [sp, #-4]!; push {r2}"),
        ("store", "stmia r0!, {r2, r3}; strd r2, r3, [r0]; strex r2, r3, [r0]"),
        ("system", "mrs r2, apsr; dmb; isb; cpsid i; bkpt 1; wfi"),
        ("branch", "b 1f; 1: beq 2f; 2: blt 3f; 3: bl 4f; 4: cbz r0, 5f; nop; 5: bx lr; blx r2"),
    ],
)  # fmt: skip
def test_every_instruction_has_its_class(kind, text):
    lines = [part.strip() for part in text.split(";")]
    listed = "".join(f'"{line}\\n"' for line in lines)
    program = compile_c(f"__attribute__((naked)) void f(void) {{ __asm__ volatile({listed}); }}")
    start, size = program.functions["f"]
    found = decode(program.content(start, size), start)
    kinds = [each.kind for each in found]
    nops = lines.count("nop") if kind != "alu" else 0
    assert sorted(kinds) == sorted([kind] * (len(lines) - nops) + ["alu"] * nops)
    assert set(kinds) <= set(CLASSES)
    is_plain = {"ssat", "sxtb", "mul", "mls", "umull", "smlal", "sdiv", "udiv", "bic"}
    dsp = {each.name for each in found if each.is_dsp}
    assert not dsp & is_plain
    assert dsp == (
        {each.name for each in found} - is_plain
        if kind in {"simd", "multiply"}
        else {"qadd", "sxtab"} & {each.name for each in found}
    )


@pytest.mark.parametrize("optimize", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("core", ["m3", "m4"])
def test_instructions_a_core_without_dsp_compiles_to_are_not_dsp(core, optimize):
    program = compile_c(WORK, core, optimize=optimize)
    names = {
        each.name
        for start, size in program.functions.values()
        for each in decode(program.content(start, size), start)
        if each.is_dsp
    }
    assert core == "m4" or not names


def test_what_is_no_code_is_refused():
    with pytest.raises(LabError, match="no instruction of a Cortex-M in the 2 bytes at 0x08000000"):
        decode(b"\x00\xf0", 0x08000000)
    with pytest.raises(LabError, match="no core 'm44'; did you mean 'm4'"):
        profile(Machine(compile_c("void f(void) {}")).trace("f"), core="m44")


WORK = """
#include <stdint.h>
int16_t x[64]; int32_t y[64];
__attribute__((noinline)) int32_t one(const int16_t *a, int n) {
  int64_t sum = 0;
  for (int i = 0; i < n; i++) sum += (int64_t)a[i] * a[n - 1 - i] * 12345;
  return (int32_t)(sum >> 5);
}
void work(int n) { for (int i = 0; i < n; i++) y[i] = i & 1 ? one(x, i) : -y[i]; }
"""


@settings(max_examples=15, deadline=None)
@given(n=st.integers(0, 64), core=st.sampled_from(list(CORES)))
def test_classes_and_functions_add_up_and_cycles_are_in_order(n, core):
    found = profile(Machine(compile_c(WORK, core)).trace("work", n))
    assert sum(found.by_class.values()) == found.instructions
    assert sum(found.by_function.values()) == found.instructions
    assert set(found.by_class) <= set(CLASSES)
    assert "elsewhere" not in found.by_function
    if found.cycles is not None:
        assert found.instructions * 0.8 < found.cycles[0] <= found.cycles[1]


@pytest.mark.parametrize("core", CORES)
def test_a_hook_on_every_instruction_counts_the_same(core):
    """Without conditions: unicorn leaves skipped instructions out, and we do not."""
    import unicorn

    machine, seen = Machine(compile_c(LOOP, core)), []
    machine._emulator.hook_add(unicorn.UC_HOOK_CODE, lambda *arguments: seen.append(arguments[1:3]))
    found = profile(machine.trace("loop", machine.address("x"), 40))
    assert "it" not in found.by_class
    assert len(seen) == found.instructions
    pairs = itertools.pairwise(seen)
    jumps = sum(after != before + size for (before, size), (after, _) in pairs)
    assert found.taken_branches == jumps + 1  # and the return


LOOP = """
int x[40];
int loop(const int *a, int n) {
  int sum = 0;
  do sum = sum * 3 + a[n - 1] * n; while (--n);
  return sum;
}
"""
MEASURED = """
#include <stdint.h>
static int host(int what, const void *with) {
  register int r0 __asm__("r0") = what; register const void *r1 __asm__("r1") = with;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory"); return r0;
}
static void print(uint32_t value) {
  char text[10] = "         ";
  for (int i = 0; i < 8; i++) text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  text[9] = 0; host(4, text);
}
void model_run(void) { for (int k = 0; k < 40; k++) work(64); }
int main(void) {
  volatile uint32_t *tick = (volatile uint32_t *)0xE000E010;
  tick[1] = 0xffffff; tick[2] = 0; tick[0] = 5;
  uint32_t a = tick[2], b = tick[2]; model_run(); uint32_t c = tick[2];
  print(a - b); print(b - c); host(0x18, (void *)0x20026);
  return 0;
}
"""


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="no qemu-system-arm")
def test_qemu_counts_the_same(tmp_path):
    """QEMU with -icount: an instruction a nanosecond, read by a timer of 25 MHz: 40 at a time."""
    source = WORK + MEASURED
    files = board_main.board_files("", "m4", flash=(0, 2**20), ram=(0x2000_0000, 2**18))
    for name, text in {**files, "main.c": source}.items():
        (tmp_path / name).write_text(text)
    compiler = toolchain.find_compiler()
    target = [*toolchain._target(CORES["m4"], compiler), "-ffreestanding", "-O2", "-g0"]
    for name in ("main", "startup"):
        flags = [*target, *toolchain.CODE_ARGUMENTS, "-c", f"{name}.c", "-o", f"{name}.o"]
        toolchain._run(compiler, flags, tmp_path)
    objects = ["-Wl,-T,board.ld", "main.o", "startup.o", "-o", "board.elf"]
    toolchain._run(compiler, [*target, "-nostdlib", *objects], tmp_path)
    command = "qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none -semihosting"
    ran = subprocess.run(
        [*command.split(), "-icount", "shift=0", "-kernel", "board.elf"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ticks = int(re.findall(r"[0-9a-f]{8}", ran.stdout + ran.stderr)[1], 16) & 0xFFFFFF
    ours = profile(Machine(compile_c(source)).trace("model_run")).instructions
    assert ours > 100_000
    assert np.abs(ours - 40 * ticks) <= 80
