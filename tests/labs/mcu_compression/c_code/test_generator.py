"""The file that is generated: readable, the same each time, safe; and what is refused."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.mcu_compression import bench
from labs.mcu_compression.c_code import layout, simd
from labs.mcu_compression.c_code.code import CodeError, LayerCode, Table, comment
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.c_code.stages import PASSES, STAGES
from labs.mcu_compression.integer.layers import Pool
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.integer.passes import fold_zero_points
from labs.shared.toolchain import HostLibrary

_spec = importlib.util.spec_from_file_location(
    "integer_networks", Path(__file__).parents[1] / "integer_networks.py"
)
random_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(random_networks)


@pytest.fixture
def network():
    """Return a network with every kind of layer; two depthwise layers have one shape."""
    made = random_networks.Chain(np.random.default_rng(5), [])
    made.tensors.append(random_networks.Tensor("input", (6, 5, 3), 0.1, 4))
    made.convolution("convolution", outputs=4, size=(3, 2), stride=(2, 1))
    made.convolution("pointwise", outputs=5, size=(1, 1), stride=(1, 1))
    made.average()
    made.linear(3)
    return IntegerNetwork("small", tuple(made.tensors), tuple(made.layers), 0, len(made.layers))


def changed(network, number, **fields):
    layers = list(network.layers)
    layers[number] = dataclasses.replace(layers[number], **fields)
    return dataclasses.replace(network, layers=tuple(layers))


@pytest.mark.parametrize("stage", STAGES)
def test_text_is_readable_and_the_same_each_time(network, stage):
    source = generate(network, stage)
    assert source.text == generate(network, stage).text
    assert source.text.isascii()
    assert max(map(len, source.text.splitlines())) <= 100
    for number, layer in enumerate(network.layers):
        assert f"/* Layer {number}, {layer.name}: " in source.text
    assert f"static int8_t arena[{source.arena_bytes}]" in source.text


def test_sizes_are_constants_from_the_second_stage_on(network):
    text = generate(network, "layout").text
    assert "enum { HEIGHT = 6, WIDTH = 5, CHANNELS = 3, KERNEL_HEIGHT = 3" in text
    assert "x_zero" not in text
    assert "x_zero" in generate(network, "layout", without=("fold_zero_points",)).text


def test_layers_of_one_shape_share_a_function():
    made = random_networks.Chain(np.random.default_rng(2), [])
    made.tensors.append(random_networks.Tensor("input", (2, 2, 4), 0.1, 4))
    for _ in range(3):
        made.convolution("pointwise", outputs=4, size=(1, 1), stride=(1, 1))
    network = IntegerNetwork("same", tuple(made.tensors), tuple(made.layers), 0, 3)
    for stage in ("layout", "simd"):
        text = generate(network, stage).text
        assert text.count(" void pointwise_4_4_4(") == 1
        assert text.count("  pointwise_4_4_4(") == 3


@pytest.mark.parametrize(
    "name",
    [
        "*/ int evil; /*",
        "a\nb",
        "back\\",
        "tri??/",
        "l\u00e4yer \u4e2d",
        "%s {x} ${name}",
        "\x00\x1b",
        "",
    ],
)
def test_names_from_files_do_no_harm(network, name):
    hostile = dataclasses.replace(network, name=name)
    for number in range(len(network.layers)):
        hostile = changed(hostile, number, name=name)
    codes = random_networks.inputs_for(network)
    source = generate(hostile, "layout")
    assert source.text.isascii()
    assert "evil" not in source.text.replace("* / int evil; / *", "")
    assert np.array_equal(bench.run_on_host(source, codes), network.run(codes))


@given(st.text())
def test_a_comment_ends_where_it_should(text):
    found = comment(text)
    assert (found.count("/*"), found.count("*/"), found[:2], found[-3:]) == (1, 1, "/*", "*/\n")
    assert "\\" not in found
    assert "??" not in found
    assert found.isascii()


@pytest.mark.parametrize("values", [[-128, 127], [2**31 - 1, -(2**31)], list(range(300))])
def test_tables_say_their_numbers(values):
    kind = np.int8 if max(map(abs, values)) <= 128 else np.int32
    table = Table("t", np.array(values, dtype=kind))
    assert max(map(len, table.text.splitlines())) <= 100
    ctype = {np.int8: "int8_t", np.int32: "int32_t"}[kind]
    code = f"#include <stdint.h>\n{table.text}int at(int k) {{ return t[k]; }}\n"
    assert f"static const {ctype} t[{len(values)}]" in code
    library = HostLibrary(code)
    assert [library.functions.at(k) for k in range(len(values))] == values


def test_unknown_stages_and_passes_are_named(network):
    with pytest.raises(CodeError, match="stage is 'quick'; one of: naive, layout"):
        generate(network, "quick")
    with pytest.raises(CodeError, match="no pass 'fold' to leave out; one of: fold_zero_points"):
        generate(network, "naive", without=("fold",))


def test_a_stage_that_needs_a_pass_says_so(network):
    with pytest.raises(CodeError, match="stage simd need the pass fold_zero_points"):
        generate(network, "simd", without=PASSES)
    assert generate(network, "naive", without=PASSES).text == generate(network, "naive").text


def test_a_core_without_the_instructions_is_refused(network):
    with pytest.raises(CodeError, match="stage simd needs the DSP instructions that Cortex-M3"):
        bench.deploy(network, "simd", core="m3")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"biases": [0, 2**31 - 300, 0, 0]}, r"the sum of channel 1 can reach 2,147,"),
        ({"shifts": [0, 0, 20, -1]}, r"channel 2 can reach .*, shifted by 20 to "),
        ({"shifts": [0, 0, -32, 0]}, "shift -32 is outside -31 to 30"),
        ({"shifts": [0, 0, 31, 0]}, "shift 31 is outside -31 to 30"),
        ({"multipliers": [0, -1, 0, 0]}, "multiplier -1 is outside 0 to 2,147,483,647"),
        ({"low": -129}, "limit -129 is outside -128 to 127"),
        ({"input_zero_point": 200}, "zero point or limit 200 is outside"),
        ({"groups": 2}, "2 groups of 3 channels each"),
    ],
)
@pytest.mark.parametrize("stage", ["naive", "simd"])
def test_what_32_bits_cannot_hold_is_refused(network, stage, fields, message):
    fields = {
        name: np.array(value, dtype=np.int32) if isinstance(value, list) else value
        for name, value in fields.items()
    }
    with pytest.raises(CodeError, match=message) as caught:
        generate(changed(network, 0, **fields), stage)
    assert str(caught.value).startswith("Convolution 0: ")
    assert "\n" not in str(caught.value)


def test_the_largest_sum_that_is_taken_is_computed_exactly(network):
    """Just below the limit, as a bias, at the top of what a shift leaves."""
    linear = network.layers[-1]
    only = dataclasses.replace(
        linear,
        inputs=(0,),
        output=1,
        weights=np.array([[1, -1, 0, 0, 0]] * 3, dtype=np.int8),
        biases=np.array([2**31 - 1000, -(2**31) + 1000, 2**20], dtype=np.int32),
        multipliers=np.array([2**30, 2**30, 2**31 - 1], dtype=np.int32),
        shifts=np.array([-24, -24, 10], dtype=np.int32),
        input_zero_point=-128,
        low=-128,
        high=127,
    )
    tensors = (network.tensors[-2], network.tensors[-1])
    tensors = (
        dataclasses.replace(tensors[0], shape=(5,)),
        dataclasses.replace(tensors[1], zero_point=3),
    )
    single = IntegerNetwork("edge", tensors, (only,), 0, 1)
    codes = random_networks.inputs_for(single)
    want = single.run(codes)
    assert want[0].tolist() == [67, -61, 127]
    for stage in STAGES:
        assert np.array_equal(bench.deploy(single, stage).run(codes), want), stage


def test_no_kernel_and_no_layers_are_told(network):
    pool = network.layers[2]
    assert isinstance(pool, Pool)
    with pytest.raises(CodeError, match="Pool"):
        generate(changed(network, 2, kind="median"), "layout")
    with pytest.raises(CodeError, match="small has no layers"):
        generate(dataclasses.replace(network, layers=()), "naive")


def test_plain_loops_refuse_padding_that_counts(network):
    """They skip what lies around the input, which is right only while it adds nothing."""
    assert any(network.layers[0].padding)
    folded = fold_zero_points(network)
    with pytest.raises(CodeError, match="leave out what lies around the input"):
        generate(folded, "naive")
    codes = random_networks.inputs_for(network)
    assert np.array_equal(bench.deploy(folded, "layout").run(codes), network.run(codes))


def test_another_writer_takes_over_a_layer(network):
    def mine(place):
        made = layout.write(place)
        return dataclasses.replace(made, functions={"mine": "/* mine */\n"} | dict(made.functions))

    source = generate(network, "naive", writers={network.layers[1].name: mine})
    assert "/* mine */" in source.text
    codes = random_networks.inputs_for(network)
    assert np.array_equal(bench.run_on_host(source, codes), network.run(codes))


def test_two_kernels_of_one_name_must_be_the_same(network):
    def writer(place):
        text = f"static void same(void) {{}} /* {place.number} */\n"
        return LayerCode({"same": text}, "same();")

    names = [layer.name for layer in network.layers]
    with pytest.raises(CodeError, match="two kernels have the name same"):
        generate(network, "naive", writers=dict.fromkeys(names, writer))


def test_simd_kernels_refuse_a_zero_point(network):
    writers = {network.layers[1].name: simd.write}
    with pytest.raises(CodeError, match="Convolution 1: SIMD kernels subtract no zero point"):
        generate(network, "naive", writers=writers)
