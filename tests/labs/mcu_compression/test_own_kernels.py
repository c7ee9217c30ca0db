"""A student's kernels in the generated network: exact, by name in the profile, apart by size."""

import numpy as np
import pytest

from labs.mcu_compression import bench, checkpoint, given, own_kernels, quantization
from labs.mcu_compression.integer.from_torch import integer_network
from labs.mcu_compression.integer.layers import Codes
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.shared import keywords


@pytest.fixture(scope="module")
def bundled() -> tuple[IntegerNetwork, Codes]:
    """The network that comes with the lab, and some clips."""
    seen = keywords.load_clips("keywords_synthetic", "val").features()[:40]
    rounded = quantization.quantize_network(checkpoint.load_checkpoint(), seen, weight_bits=8)
    network = integer_network(rounded, name="bundled")
    return network, network.codes(seen.numpy().transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    "writer",
    [
        own_kernels.plain_writer(given.pointwise_source),
        own_kernels.fast_writer(given.fast_pointwise_source, given.fold_zero_point),
    ],
    ids=["plain", "fast"],
)
def test_the_network_stays_exact(
    bundled: tuple[IntegerNetwork, Codes], writer: own_kernels.Writer
) -> None:
    network, codes = bundled
    made = own_kernels.deploy_with(network, writer)
    assert np.array_equal(made.run(codes[:3]), network.run(codes[:3]))
    assert np.array_equal(bench.run_on_host(made.source, codes), network.run(codes))
    by_function = made.profile(codes[0]).by_function
    assert next(iter(by_function)) == "pointwise_1"


def test_texts_that_differ_do_not_meet(bundled: tuple[IntegerNetwork, Codes]) -> None:
    network, codes = bundled
    texts = iter(range(9))

    def source(*arguments: int) -> str:
        head = f"enum {{ NUMBER = {next(texts)} }};\n#define UNUSED NUMBER\n"
        return head + given.pointwise_source(*arguments)

    made = own_kernels.deploy_with(network, own_kernels.plain_writer(source))
    assert np.array_equal(made.run(codes[:2]), network.run(codes[:2]))
    names = {f"pointwise_{n}" for n in (1, 2, 3, 4)}
    assert names <= set(made.profile(codes[0]).by_function)


def test_names_that_are_not_the_texts_own_stay() -> None:
    text = """
  #include <stdint.h>
#define N 0x1F // a
int8_t f(int a) { asm("nop a");
  return N + load4(a) + INT8_MAX + __ror(a, 1); } /* f */
"""
    assert (
        own_kernels.renamed(text, "_3")
        == """
  #include <stdint.h>
#define N_3 0x1F // a
int8_t f_3(int a_3) { asm("nop a");
  return N_3 + load4(a_3) + INT8_MAX + __ror(a_3, 1); } /* f */
"""
    )


@pytest.mark.parametrize(
    "kept",
    [
        "#pragma GCC unroll 4\n",
        "  # pragma clang loop unroll(full)\n",
        "__attribute__((always_inline, aligned(4)))",
        '__attribute__ ((optimize("O3")))',
        "'a' '\\'' '\"'",
        '__asm__("add %[one], %[one]" : [one] "+r"(1))',
    ],
)
def test_what_tells_the_compiler_something_stays(kept: str) -> None:
    """Renamed, an attribute or a pragma would be passed over without a word."""
    assert own_kernels.renamed(kept + " x", "_3") == kept + " x_3"


def test_a_text_with_all_of_these_runs_in_the_network(
    bundled: tuple[IntegerNetwork, Codes],
) -> None:
    network, codes = bundled

    def source(*arguments: int) -> str:
        helper = """
#pragma GCC diagnostic ignored "-Wunused"
static __attribute__((naked, noinline)) int32_t four(int32_t a) {
  __asm__("movs r0, #4\\n bx lr");
}
static inline __attribute__((always_inline)) int32_t letter(void) { return 'A'; }
"""
        plain = given.pointwise_source(*arguments)
        return helper + plain.replace("high) {", "high) {\n if (four(0) + letter() != 69) return;")

    made = own_kernels.deploy_with(network, own_kernels.plain_writer(source))
    assert np.array_equal(made.run(codes[:2]), network.run(codes[:2]))
