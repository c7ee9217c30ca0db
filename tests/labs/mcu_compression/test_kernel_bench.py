"""Kernels on the bench: exact codes, counts that repeat, and texts that go wrong in many ways."""

import sys

import numpy as np
import pytest

from labs.engine.errors import ExtraMissingError
from labs.mcu_compression.c_code import loops
from labs.mcu_compression.kernel_bench import PAIRS, SIGNATURE, run_naive, run_pointwise
from labs.mcu_compression.pointwise import Pointwise, draw
from labs.shared.toolchain import HostLibrary

LAYER = draw(np.random.default_rng(3), (3, 8, 2), x_zero=-5, y_zero=4)


def plain(layer: Pointwise) -> str:
    """The layer in plain C."""
    places, inputs, outputs = layer.sizes
    return f"""{SIGNATURE} {{
  for (int p = 0; p < {places}; p++)
    for (int o = 0; o < {outputs}; o++) {{
      int32_t sum = b[o];
      for (int k = 0; k < {inputs}; k++)
        sum += (x[p * {inputs} + k] - ({layer.x_zero})) * w[o * {inputs} + k];
      y[p * {outputs} + o] = requantize(sum, m[o], s[o], {layer.y_zero}, -128, 127);
    }}
}}"""


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_a_plain_kernel_gives_the_codes_of_numpy(core: str) -> None:
    found = run_pointwise(plain(LAYER), LAYER.arrays, core=core)
    assert np.array_equal(found["y"], LAYER.codes())
    assert (found["untouched"], found["strays"]) == (0, "")
    assert found["instructions"] == sum(found["by_class"].values()) > 48


def test_the_generators_kernel_gives_the_same_and_its_counts_repeat() -> None:
    first, second = (run_naive(LAYER.arrays, x_zero=-5, y_zero=4) for _ in range(2))
    assert np.array_equal(first["y"], LAYER.codes())
    assert first["instructions"] == second["instructions"]


def test_the_plain_kernel_is_not_made_for_one_size() -> None:
    layer = draw(np.random.default_rng(0), (125, 64, 64), x_zero=-128, y_zero=-128)
    generic = run_naive(layer.arrays, x_zero=-128, y_zero=-128)["instructions"]
    assert generic > 1.3 * run_pointwise(plain(layer), layer.arrays)["instructions"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the C text defines no function pointwise"),
        ("int other(void) { return 0; }", "the C text defines no function pointwise"),
        (f"{SIGNATURE} {{ y[0] = 1 }}", "your text:2:"),
        ("void pointwise(int8_t *y) {}", "conflicting types for 'pointwise'"),
        (f"static {SIGNATURE} {{}}", "static declaration of 'pointwise'"),
        (f"{SIGNATURE} {{ for (;;) y[0]++; }}", "half-words of code"),
        (
            f"{SIGNATURE} {{ int n = 0; for (int k = 0; k < 2;) n += x[k]; y[0] = n; }}",
            "no instructions",
        ),
        (f"{SIGNATURE} {{ *(volatile int *)4 = 1; }}", "failed in pointwise"),
        (f"static int8_t n; {SIGNATURE} {{ y[0] = n++; }}", "a second call gives other codes"),
        (f"{SIGNATURE} {{ y[0] = 1; }} /*", "unterminated /* comment"),
        (f"{SIGNATURE} {{ y[0] = bench_memory[0]; }}", "undeclared identifier 'bench_memory'"),
        (
            f'int f(void) {{ return 1; }} __attribute__((section(".data.x"))) {SIGNATURE} {{}}',
            "it jumps into RAM",
        ),
        (
            "#define bench_memory other\n"
            '__asm__(".globl bench_memory; .type bench_memory, %object; .size bench_memory, 9999;"'
            '" .set bench_memory, 0x60000000");\n'
            f"{SIGNATURE} {{ y[0] = 1; }}",
            "bench_memory lies at 0x60000000",
        ),
        ("\ud800", "characters that no file can hold"),
        (" " * 100_001, "the C text has 100,001 characters"),
    ],
)
def test_a_text_that_cannot_be_tried_is_told_in_one_line(text: str, said: str) -> None:
    error = run_pointwise(text, LAYER.arrays)["error"]
    assert said in error
    assert "\n" not in error
    assert "/tmp" not in error


def test_a_missing_package_is_no_fault_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(ExtraMissingError, match=r"unicorn is not installed; run: .*\[mcu\]"):
        run_pointwise(plain(LAYER), LAYER.arrays)


@pytest.mark.parametrize(
    ("statement", "strays"),
    [
        ("y[6] = 1;", "byte 1 beyond the end of y"),
        ("y[-1] = 1;", "byte 1 before y"),
        ("((int8_t *)x)[3] ^= 1;", "byte 3 of x"),
        (
            "((int8_t *)w)[16] = 1; ((int32_t *)b)[1] ^= 1;",
            "byte 1 beyond the end of w, byte 4 of b",
        ),
        ("y[0] = 7;", ""),
    ],
)
def test_what_is_written_beside_y_is_found(statement: str, strays: str) -> None:
    found = run_pointwise(f"{SIGNATURE} {{ {statement} }}", LAYER.arrays)
    assert found["strays"] == strays


def test_codes_that_are_never_written_are_counted() -> None:
    assert run_pointwise(f"{SIGNATURE} {{ y[0] = 85; y[5] = 1; }}", LAYER.arrays)["untouched"] == 4


def test_the_pairs_are_what_the_manual_says_on_the_chip_and_here() -> None:
    body = """
  const int8_t one[4] = {1, -2, -128, 127}, two[4] = {-128, 3, -128, -1};
  uint32_t a = load4(one), c = load4(two);
  int32_t parts[4] = {(int32_t)sxtb16(a), (int32_t)sxtb16_ror8(a), smlad(sxtb16(a), sxtb16(c), 5),
                      smlad(sxtb16_ror8(a), sxtb16_ror8(c), -7)};
"""
    # 1 * -128 + -128 * -128 + 5 and -2 * 3 + 127 * -1 - 7, both by hand.
    want = [0xFF80_0001 - 2**32, 0x007F_FFFE, 16261, -140]
    write = (
        "for (int i = 0; i < 4; i++) for (int j = 0; j < 4; j++) y[4 * i + j] = parts[i] >> 8 * j;"
    )
    layer = draw(np.random.default_rng(0), (4, 1, 4), x_zero=0, y_zero=0)
    for core in ("m4", "m3"):
        found = run_pointwise(f"{SIGNATURE} {{ {body} {write} }}", layer.arrays, core=core)
        assert found["y"].view("<i4")[:, 0].tolist() == want
    library = HostLibrary(
        f"{loops.PRELUDE}{PAIRS}int32_t part(int i) {{ {body} return parts[i]; }}"
    )
    assert [library.functions.part(i) for i in range(4)] == want
