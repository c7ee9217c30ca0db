"""The emulated core: calls that repeat, faults that tell, counts that both hooks agree on."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine.errors import ExtraMissingError
from labs.shared import block_counts, decoding
from labs.shared.elf import read_image
from labs.shared.emulator import STACK_BYTES, EmulationError, Machine
from labs.shared.instructions import profile
from labs.shared.toolchain import CORES, compile_c

SOURCE = r"""
#include <stdint.h>
const int32_t constant = 3;
int32_t counter;
int8_t bytes[6];
int32_t numbers[4] = {1, 2, 3, 4};
__attribute__((noinline)) static int inner(int a) { return a * a + counter; }
int outer(int a) { counter++; return inner(a) + inner(a + 1); }
int same(int a) { return a; }
int six(int a, int b, int c, int d, int e, int f) { return a + 2*b + 3*c + 4*d + 5*e + 6*f; }
int dot(const int32_t *x, int n) { int sum = 0; while (n--) sum += x[n] * x[n]; return sum; }
int collatz(int n) { int steps = 0; while (n != 1) { n = n & 1 ? 3*n + 1 : n / 2; steps++; }
  return steps; }
int forever(int a) { for (;;) __asm__ volatile("nop"); }
int deep(int a) { volatile int here[8]; for (int i = 0; i < 8; i++) here[i] = a;
  return a ? deep(a - 1) + here[a & 7] : 0; }
int to_flash(int a) { *(volatile int32_t *)&constant = a; return a; }
int to_nowhere(int a) { *(volatile int32_t *)0x60000000 = a; return a; }
int from_nowhere(int a) { return *(volatile int32_t *)0x60000000; }
int into_ram(int a) { return ((int (*)(int))((uintptr_t)numbers | 1))(a); }
int into_blank(int a) { return ((int (*)(int))0x08100001)(a); }
int waits(int a) { __asm__ volatile("wfi"); return a; }
int stops(int a) { __asm__ volatile("bkpt 1"); return a; }
int refused(int a) { __asm__ volatile("udf #1"); return a; }
"""
CONDITIONAL_FAULT = """
int fails(int a) { int x = 0;
  __asm__ volatile("cmp %1, %1; it eq; ldreq %0, [%2]" : "=r"(x) : "r"(a), "r"(0x60000000) : "cc");
  return x; }
int picks(int a) { int x;
  __asm__ volatile("cmp %1, #5; ite eq; moveq %0, #1; movne %0, #2" : "=r"(x) : "r"(a) : "cc");
  return x; }
"""
DSP = """
#include <arm_acle.h>
int smlad(int a) { return __smlad(a, a, 1); }
int ssat16(int a) { return __ssat16(a, 4); }
int smlawb(int a) { return __smlawb(a, a, 1); }
int sxtb16(int a) { return __sxtb16(a); }
int plain(int a) { return a * a + 1; }
"""


@pytest.fixture
def machine() -> Machine:
    return Machine(compile_c(SOURCE))


def counts(trace):
    return trace.runs, trace.sizes, trace.jumps, trace.stack_bytes


def is_same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(counts(one), counts(other), strict=True))


@pytest.mark.parametrize("core", CORES)
def test_arguments_variables_and_results(core):
    machine = Machine(compile_c(SOURCE, core))
    assert machine.call("six", 1, -2, 3, -4, 5, -6) == 1 - 4 + 9 - 16 + 25 - 36
    assert machine.call("same", -(2**31)) == -(2**31)
    assert machine.call("same", 2**32 - 1) == -1
    assert machine.read("numbers", np.int32, (2, 2)).tolist() == [[1, 2], [3, 4]]
    assert machine.read("numbers", np.int32, 3).tolist() == [1, 2, 3]
    machine.write("numbers", np.array([10, -20], dtype=np.int32))
    assert machine.call("dot", machine.address("numbers"), 4) == 100 + 400 + 9 + 16
    machine.write("bytes", np.array([-1, 2], dtype=np.int8))
    assert machine.read("bytes", np.int8, (3,)).tolist() == [-1, 2, 0]
    assert machine.call("inner", 3) == 9  # static, and there all the same


def test_variables_stay_between_calls_and_not_between_machines(machine):
    assert [machine.call("outer", 1) for _ in range(3)] == [1 + 4 + 2 * n for n in (1, 2, 3)]
    assert Machine(machine.program).call("outer", 1) == 7


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 5000))
def test_a_call_gives_what_python_gives(n):
    steps, m = 0, n
    while m != 1:
        m, steps = (3 * m + 1 if m & 1 else m // 2), steps + 1
    assert Machine(compile_c(SOURCE)).call("collatz", n) == steps


def test_counts_repeat_whatever_ran_before(machine):
    first = machine.trace("collatz", 27)
    machine.call("outer", 4)
    with pytest.raises(EmulationError):
        machine.call("to_flash", 1)
    with pytest.raises(EmulationError):
        machine.call("forever", 1, budget=1000)
    machine.call("deep", 50)
    assert is_same(machine.trace("collatz", 27), first)
    assert is_same(Machine(machine.program).trace("collatz", 27), first)
    assert not is_same(machine.trace("collatz", 26), first)


def test_a_hook_in_python_counts_the_same(machine, monkeypatch):
    native = machine.trace("collatz", 97), machine.trace("deep", 9)
    assert machine._counts.is_native
    monkeypatch.setattr(block_counts, "_counter", lambda: None)
    slow = Machine(machine.program)
    assert not slow._counts.is_native
    assert is_same(slow.trace("collatz", 97), native[0])
    assert is_same(slow.trace("deep", 9), native[1])
    with pytest.raises(EmulationError, match="forever does not end"):
        slow.call("forever", 1, budget=1000)


def test_without_a_compiler_for_this_machine_python_counts(monkeypatch):
    def fails(source):
        raise OSError

    monkeypatch.setattr(block_counts, "HostLibrary", fails)
    block_counts._counter.cache_clear()
    assert block_counts._counter() is None
    block_counts._counter.cache_clear()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("to_flash", "to_flash failed in to_flash on Cortex-M4: it writes to flash"),
        ("to_nowhere", "in to_nowhere on Cortex-M4: it writes where no memory is"),
        ("from_nowhere", "it reads where no memory is"),
        ("into_ram", "into_ram failed at 0x2000.* it jumps into RAM, where no code is"),
        ("into_blank", "into_blank failed at 0x08"),
        ("waits", "in waits .*it stops there, and does not return"),
        ("stops", "in stops .*an exception that nothing handles"),
        ("refused", "the core does not have this instruction"),
        ("forever", r"forever does not end: it ran more than 50,000,000 half-words of code"),
    ],
)
def test_a_fault_tells_what_and_where_and_the_next_call_works(machine, function, said):
    with pytest.raises(EmulationError, match=said) as caught:
        machine.call(function, 7, budget=50_000_000)
    assert "\n" not in str(caught.value)
    assert machine.call("same", 5) == 5


def test_a_fault_under_a_condition_leaves_no_condition_behind():
    machine = Machine(compile_c(CONDITIONAL_FAULT))
    for _ in range(2):
        with pytest.raises(EmulationError, match="reads where no memory is"):
            machine.call("fails", 1)
        assert [machine.call("picks", a) for a in (5, 6)] == [1, 2]


def test_the_stack_is_measured_and_ends(machine):
    shallow, deeper = (machine.trace("deep", depth).stack_bytes for depth in (10, 20))
    frame = (deeper - shallow) // 10
    assert frame >= 40  # eight words, what is saved
    assert deeper - shallow == 10 * frame
    assert machine.trace("same", 1).stack_bytes == 0
    assert machine.call("deep", STACK_BYTES // frame - 2) >= 0
    with pytest.raises(EmulationError, match=r"in deep .*the stack of 32,768 bytes is full"):
        machine.call("deep", STACK_BYTES // frame + 2)
    assert machine.read("numbers", np.int32, (4,)).tolist() == [1, 2, 3, 4]


def test_names_and_sizes_are_checked(machine):
    with pytest.raises(EmulationError, match="no function colatz; did you mean 'collatz'"):
        machine.call("colatz", 1)
    with pytest.raises(EmulationError, match="no variable nombers; did you mean 'numbers'"):
        machine.read("nombers", np.int8, (1,))
    with pytest.raises(EmulationError, match="bytes has 6 bytes, 7 are asked for"):
        machine.write("bytes", np.zeros(7, dtype=np.int8))
    with pytest.raises(EmulationError, match=r"core is 'm44', not one of: m0plus, .*did you mean"):
        Machine(machine.program, core="m44")


def test_a_program_that_puts_things_in_odd_places_is_told_so():
    placed = (
        'int g(int a) { return a; } __attribute__((section(".data.x"))) int f(void) { return 1; }'
    )
    with pytest.raises(EmulationError, match="it jumps into RAM, where no code is"):
        Machine(compile_c(placed)).call("f", 1)
    names = ".globl far; .type far, %object; .set far, 0x60000000; .size far, 8"
    machine = Machine(compile_c(f'__asm__("{names}"); int f(int a) {{ return a; }}'))
    with pytest.raises(EmulationError, match="far lies at 0x60000000, where not enough memory is"):
        machine.write("far", np.zeros(8, dtype=np.int8))
    with pytest.raises(EmulationError, match="far lies at 0x60000000"):
        machine.read("far", np.int8, 8)


@pytest.mark.parametrize("core", ["m0plus", "m3"])
@pytest.mark.parametrize("function", ["smlad", "ssat16", "smlawb", "sxtb16"])
def test_a_core_without_dsp_refuses_its_instructions(core, function):
    """QEMU's Cortex-M3 executes some of them, which silicon does not."""
    program = compile_c(DSP)
    assert Machine(program).call(function, 0x00020001) != 0 or function == "smlawb"
    machine = Machine(program, core=core)
    with pytest.raises(EmulationError, match=f"in {function} on Cortex-M.* the core does not have"):
        machine.call(function, 0x00020001)


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
def test_code_without_dsp_runs_on_every_core_with_equal_counts(core):
    program = compile_c(SOURCE, "m3")
    trace = Machine(program, core=core).trace("collatz", 27)
    assert is_same(trace, Machine(program).trace("collatz", 27))
    assert trace.core == core
    assert Machine(compile_c(DSP), core=core).call("plain", 7) == 50


def test_the_debug_unit_is_memory_only_where_it_is_asked_for(machine):
    source = "int f(int a) { *(volatile int *)0xE0001004 = a; return *(volatile int *)0xE0001004; }"
    with pytest.raises(EmulationError, match="writes where no memory is"):
        Machine(compile_c(source)).call("f", 3)
    assert Machine(compile_c(source), has_debug_unit=True).call("f", 3) == 3


@pytest.mark.parametrize(
    ("package", "said"),
    [("unicorn", "no emulator"), ("capstone", "no disassembler"), ("elftools", "no reader")],
)
def test_a_missing_package_is_named_with_its_remedy(package, said, monkeypatch):
    program = compile_c(SOURCE)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    decoding._disassembler.cache_clear()
    decoding.decode.cache_clear()
    try:
        with pytest.raises(ExtraMissingError, match=rf"{said}.*mlsys-course\[mcu\]"):
            _use_all(program)
    finally:
        decoding._disassembler.cache_clear()


def _use_all(program):
    profile(Machine(program).trace("same", 1))
    read_image(program.elf)
