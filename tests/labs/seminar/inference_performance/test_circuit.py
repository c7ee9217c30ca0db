"""The circuit of a layer: what surrounds it, and, where Amaranth is installed, it itself."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine.errors import ExtraMissingError
from labs.seminar.inference_performance import circuit
from labs.seminar.inference_performance.circuit import (
    Circuit,
    Layer,
    exact_sums,
    extreme_rows,
    simulate,
    wrap,
)

needs_amaranth = pytest.mark.skipif(
    importlib.util.find_spec("amaranth") is None, reason="amaranth (extra fpga) is not installed"
)


def draw(seed, *, outputs=3, inputs=5):
    rng = np.random.default_rng(seed)
    layer = Layer(rng.integers(-8, 8, (outputs, inputs)), rng.integers(-50, 50, outputs))
    return layer, rng.integers(-8, 8, (6, inputs))


@given(value=st.integers(-(2**40), 2**40), bits=st.integers(1, 64))
@settings(max_examples=80, deadline=None)
def test_registers_keep_the_lower_bits(value, bits):
    kept = int(wrap(np.array([value]), bits)[0])
    assert (kept - value) % 2**bits == 0
    assert -(2**bits) <= 2 * kept < 2**bits


@given(seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_no_row_goes_beyond_the_extreme_ones(seed):
    layer, rows = draw(seed)
    ends = exact_sums(layer, extreme_rows(layer))
    outputs = range(len(layer.biases))
    lowest = np.array([ends[output, output] for output in outputs])
    highest = np.array([ends[len(layer.biases) + output, output] for output in outputs])
    sums = exact_sums(layer, rows)
    assert (lowest <= sums).all()
    assert (sums <= highest).all()


def test_sums_are_those_of_plain_integers():
    layer, rows = draw(1)
    for row, sums in zip(rows.tolist(), exact_sums(layer, rows).tolist(), strict=True):
        for weights, bias, got in zip(layer.weights.tolist(), layer.biases, sums, strict=True):
            assert got == bias + sum(w * x for w, x in zip(weights, row, strict=True))


def test_the_hash_knows_shape_and_numbers():
    weights, biases = np.arange(6).reshape(2, 3), np.array([1, 2])
    layer = Layer(weights, biases)
    assert layer.sha256 == Layer(np.asfortranarray(weights), biases.copy()).sha256
    others = [
        Layer(weights[:, ::-1], biases),
        Layer(weights, biases + 1),
        Layer(weights[:1], biases[:1]),
    ]
    assert len({layer.sha256, *(other.sha256 for other in others)}) == 4


def test_what_makes_no_circuit_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3\) and biases \(3,\)"):
        Layer(np.zeros((2, 3), dtype=int), np.zeros(3, dtype=int))
    with pytest.raises(ValueError, match="weights lie in 0 to 8; four bits hold -8 to 7"):
        Layer(np.array([[0, 8]]), np.array([0]))
    layer, rows = draw(0)
    for bits in (0, 65):
        with pytest.raises(ValueError, match=f"sums of {bits} bits"):
            Circuit(layer, bits)
    for wrong, words in (
        (rows[:, :4], "give .1 or more, 5"),
        (rows[:0], "give .1 or more, 5"),
        (rows * 0.5, "whole numbers"),
        (rows + 9, "four bits hold"),
    ):
        with pytest.raises(ValueError, match=words):
            simulate(Circuit(layer, 8), wrong)


def test_without_amaranth_the_remedy_is_told(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr(circuit.importlib, "import_module", missing)
    layer, rows = draw(0)
    with pytest.raises(ExtraMissingError, match=r"amaranth, not installed; run: .*\[fpga\]"):
        simulate(Circuit(layer, 8), rows)


@needs_amaranth
@pytest.mark.parametrize("bits", [1, 4, 7, 9, 16, 40])
def test_the_circuit_gives_what_registers_keep_bit_for_bit(bits):
    layer, rows = draw(bits)
    rows = np.concatenate([rows, extreme_rows(layer)])
    answered = simulate(Circuit(layer, bits), rows)
    assert answered.sums.tolist() == wrap(exact_sums(layer, rows), bits).tolist()
    assert answered.clocks == layer.weights.shape[1] + 1


@needs_amaranth
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (2, 1), (1, 8), (4, 7), (10, 64)])
def test_every_shape_takes_one_clock_an_input_and_one_more(outputs, inputs):
    layer, rows = draw(outputs, outputs=outputs, inputs=inputs)
    answered = simulate(Circuit(layer, 16), rows)
    assert (answered.sums == exact_sums(layer, rows)).all()
    assert answered.clocks == inputs + 1
