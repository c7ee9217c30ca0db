"""Pointwise layers on bits: plain sums, C on this machine and on the emulated cores, all alike."""

import ctypes
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.mcu_compression import binary, binary_bench, binary_code
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn
from labs.shared.toolchain import HostLibrary


def layer_of(rng, inputs, outputs, *, kind="ternary"):
    lowest = -1 if kind == "ternary" else 0
    weights = rng.integers(lowest, 2, (outputs, inputs))
    if kind == "binary":
        weights = 2 * weights - 1
    return weights, binary_code.xnor_layer(
        "pointwise 1",
        weights,
        thresholds=rng.integers(-50, 50, inputs),
        factors=rng.normal(0, 3, outputs),
        offsets=rng.normal(0, 60, outputs),
    )


def sums_of(rng, places, inputs):
    """Return sums among which some places are all far above or all far below."""
    sums = rng.integers(-100, 100, (places, inputs), dtype=np.int32)
    sums[0], sums[-1] = 2**30, -(2**30)
    return sums


def run_on_host(layer, sums, *, is_portable):
    places, words = len(sums), layer.plus.shape[1]
    head = "#define PORTABLE_BIT_COUNT\n" if is_portable else ""
    library = HostLibrary(head + binary_code.pointwise_source(layer, places=places))
    # One more of everything: what lies behind must stay as it is.
    x = np.full(places * words + 1, 0xA5A5A5A5, np.uint32)
    y = np.full(places * layer.outputs + 1, 77, np.int8)
    address = [ctypes.c_void_p(each.ctypes.data) for each in (sums, x, y)]
    library.functions.pointwise_1_signs(address[0], address[1])
    library.functions.pointwise_1(address[1], address[2])
    assert (x[-1], y[-1]) == (0xA5A5A5A5, 77)
    return x[:-1].reshape(places, words), y[:-1].reshape(places, layer.outputs)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_bits_lie_where_they_are_said_to(signs):
    words = binary_code.pack_signs(signs)
    assert words.dtype == np.uint32
    assert len(words) == -(-len(signs) // 32)
    whole = sum(int(word) << 32 * at for at, word in enumerate(words))
    assert whole == sum(sign << at for at, sign in enumerate(signs))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 130), st.integers(1, 9), st.booleans(), st.integers(0, 2**32))
def test_the_reference_is_a_plain_sum_of_products(inputs, outputs, is_binary, seed):
    rng = np.random.default_rng(seed)
    kind = "binary" if is_binary else "ternary"
    weights = rng.integers(0, 2, (outputs, inputs)) * 2 - 1
    if not is_binary:
        weights *= rng.integers(0, 2, (outputs, inputs))
    factors, offsets = rng.normal(0, 3, outputs), rng.normal(0, 60, outputs)
    thresholds = rng.integers(-50, 50, inputs)
    layer = binary_code.xnor_layer(
        kind, weights, thresholds=thresholds, factors=factors, offsets=offsets
    )
    sums = sums_of(rng, 4, inputs)
    signs = np.where(sums >= thresholds, 1, -1)
    exact = (signs @ weights.T) * factors + offsets
    codes = layer.run(layer.signs(sums))
    # Numbers have `shift` bits of fraction: an error of half a bit for each difference, and one.
    slack = (inputs / 2 + 1) / 2**layer.shift
    assert (np.abs(codes - np.clip(exact, -128, 127)) <= 0.5 + slack).all()
    assert layer.size_bytes == (
        layer.plus.nbytes * (1 if layer.mask is None else 2) + 8 * outputs + 4 * inputs
    )


@settings(max_examples=8, deadline=None)
@given(
    st.one_of(st.sampled_from([1, 31, 32, 33, 64, 97]), st.integers(1, 200)),
    st.integers(1, 7),
    st.sampled_from(["binary", "ternary"]),
    st.integers(0, 2**32),
)
def test_c_on_this_machine_is_exact(inputs, outputs, kind, seed):
    rng = np.random.default_rng(seed)
    _, layer = layer_of(rng, inputs, outputs, kind=kind)
    sums = sums_of(rng, 5, inputs)
    for is_portable in (True, False):
        words, codes = run_on_host(layer, sums, is_portable=is_portable)
        np.testing.assert_array_equal(words, layer.signs(sums))
        np.testing.assert_array_equal(codes, layer.run(words))


@pytest.mark.parametrize("kind", ["binary", "ternary"])
@pytest.mark.parametrize("weight", [-1, 1])
def test_all_bits_equal(kind, weight):
    """The largest counts: all inputs agree with all weights, or none does."""
    weights = np.full((2, 160), weight)
    weights[1, ::2] *= 1 if kind == "binary" else 0
    layer = binary_code.xnor_layer(
        "pointwise 1", weights, thresholds=np.zeros(160), factors=[0.5, 0.5], offsets=[3, 3]
    )
    sums = np.array([[1] * 160, [-1] * 160], dtype=np.int32)
    words, codes = run_on_host(layer, sums, is_portable=True)
    half = 40 if kind == "ternary" else 80
    want = [[3 + 80 * weight, 3 + half * weight], [3 - 80 * weight, 3 - half * weight]]
    assert codes.tolist() == want == layer.run(words).tolist()


@pytest.mark.parametrize("core", ["m0plus", "m3", "m4", "m7", "m33"])
def test_emulated_cores_are_exact(core):
    rng = np.random.default_rng(5)
    for kind, inputs in (("binary", 64), ("ternary", 70)):
        _, layer = layer_of(rng, inputs, 6, kind=kind)
        sums = sums_of(rng, 9, inputs)
        run = binary_bench.run_on_core(layer, sums, core=core)
        np.testing.assert_array_equal(run.codes, layer.run(layer.signs(sums)))
        assert run.flash_bytes > layer.size_bytes


def test_counts_of_the_keyword_networks_layer():
    """At most 30 instructions for an output of 64 products, 8 for a sign; half a MAC each."""
    rng = np.random.default_rng(0)
    for kind in ("binary", "ternary"):
        _, layer = layer_of(rng, 64, 64, kind=kind)
        run = binary_bench.run_on_core(layer, sums_of(rng, 125, 64))
        assert run.counting <= 30 * 125 * 64
        assert run.packing <= 8 * 125 * 64


@pytest.mark.parametrize("weights", ["binary", "ternary"])
def test_a_networks_layers_in_integers_are_its_simulation(weights):
    features = 2 * torch.randn(60, *KEYWORD_SHAPE, generator=torch.Generator().manual_seed(0))
    made = binary.low_bit(ds_cnn(width=0.6, seed=3), weights=weights, activations="sign")
    binary.refresh_statistics(made, features)
    small = binary.quantize(made, features)
    with torch.no_grad():
        values = small.values(features[:10])
    layers = iter(binary_code.xnor_layers(small))
    codes = small.codes()
    for before, after in itertools.pairwise(codes):
        if after.kind != "pointwise":
            continue
        layer = next(layers)
        previous = values["conv 1" if before.name.endswith(" 1") else layer_before(before.name)]
        inputs = before.input.codes(previous.numpy()) - before.input.zero_point
        sums = torch.nn.functional.conv2d(
            torch.from_numpy(inputs).double(),
            torch.from_numpy(before.weight_codes).double(),
            padding=1,
            groups=before.groups,
        )
        rows = sums.permute(0, 2, 3, 1).reshape(-1, layer.inputs).long().numpy()
        words = layer.signs(rows)
        simulated = values[before.name].permute(0, 2, 3, 1).reshape(rows.shape).numpy()
        ties = rows == layer.thresholds  # float32 may end on either side of an exact 0
        assert ((np.where(rows >= layer.thresholds, 1, -1) == simulated) | ties).all()
        want = after.output.codes(values[after.name].permute(0, 2, 3, 1).numpy())
        same = ~ties.any(1)
        off = np.abs(layer.run(words) - want.reshape(-1, layer.outputs))[same]
        assert same.mean() > 0.9
        assert off.max() <= 1
        assert (off > 0).mean() < 0.01
    assert next(layers, None) is None


def layer_before(depthwise):
    return f"pointwise {int(depthwise.split()[1]) - 1}"


def test_what_does_not_fit_is_refused():
    def made(**changed):
        values = {"thresholds": [0, 0], "factors": [1.0], "offsets": [0.0]} | changed
        return binary_code.xnor_layer("p", values.pop("weights", [[1, -1]]), **values)

    with pytest.raises(ValueError, match=r"p: weights are no table of -1, 0 and \+1"):
        made(weights=[[2, 1]])
    with pytest.raises(ValueError, match="p: codes reach 2e"):
        made(factors=[1e9])
    with pytest.raises(ValueError, match="give 2 thresholds within int32"):
        made(thresholds=[0])
    with pytest.raises(ValueError, match="give 2 thresholds within int32"):
        made(thresholds=[0, 2**31])
    with pytest.raises(ValueError, match="places is 0"):
        binary_code.pointwise_source(made(), places=0)
    idle = made(weights=[[0, 0]])
    assert idle.mask is None  # an output that reads nothing costs no second plane
    assert made(weights=[[0, 0]], factors=[1e300], offsets=[7.0]).run(
        np.zeros((1, 1), np.uint32)
    ).tolist() == [[7]]


def test_the_text_depends_on_the_layer_alone():
    texts = {
        binary_code.pointwise_source(layer_of(np.random.default_rng(3), 40, 3)[1], places=2)
        for _ in range(2)
    }
    assert len(texts) == 1
    assert "@" not in texts.pop()
