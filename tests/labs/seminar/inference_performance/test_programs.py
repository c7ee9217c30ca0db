"""Forests put together as programs and systems: the same answers everywhere."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from course_utils.records import Result
from labs.seminar.inference_performance import agreement, contests, counters, programs, trees
from labs.seminar.inference_performance.given import (
    float32_threshold,
    framed_order,
    if_else,
    ordered_code,
)
from labs.seminar.inference_performance.keys import Keys
from labs.seminar.inference_performance.microcontroller import emulate
from labs.seminar.inference_performance.threshold_table import threshold_rows


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(120, 5)).astype(np.float32)
    oracle = RandomForestClassifier(6, max_depth=4, random_state=0)
    oracle.fit(rows, rng.integers(0, 3, 120))
    return oracle, trees.from_sklearn(oracle), rows


@pytest.mark.parametrize(
    ("layout", "own"), [("if-else", if_else), ("native", None), ("framed", framed_order)]
)
def test_a_compiled_forest_agrees_on_probes_and_enters_a_race(fitted, layout, own):
    oracle, plain, rows = fitted
    compiled = programs.compiled(plain, layout, own=own)
    probes = agreement.probes(plain, features=5, count=200, rng=np.random.default_rng(1))
    told = agreement.agreement(compiled, oracle, rows={"rows": rows, **probes})
    assert [row["same scores, bit for bit"] for row in told] == [120, 200, 200, 200]
    entered = programs.contestant(layout, compiled, rows=rows)
    rng = np.random.default_rng(0)
    (found,) = contests.race([entered], oracle.predict(rows), batch=50, repeats=6, rng=rng)
    assert found.name == layout


def test_probes_lie_on_thresholds_and_a_step_above(fitted):
    _, plain, _ = fitted
    found = agreement.probes(plain, features=5, count=300, rng=np.random.default_rng(2))
    at, above = found["at thresholds"], found["one step above"]
    assert (np.nextafter(at, np.float32(np.inf)) == above).all()
    leaves = [(trees.leaves_of(t, at) != trees.leaves_of(t, above)).any() for t in plain]
    assert all(leaves)  # some node of every tree sends the two to different sides


def test_agreement_notices_a_forest_of_another_seed(fitted):
    _, plain, rows = fitted
    other = RandomForestClassifier(6, max_depth=4, random_state=1)
    other.fit(rows, np.arange(120) % 3)
    (told,) = agreement.agreement(programs.compiled(plain, "native"), other, rows={"rows": rows})
    assert told["same scores, bit for bit"] < 120


@pytest.mark.parametrize("kind", ["float32", "codes"])
def test_firmware_answers_as_scikit_learn_up_to_rounding(fitted, kind):
    oracle, plain, rows = fitted
    firmware = programs.firmware(plain, "native", rows=rows[:10], keys=Keys(kind))
    assert (firmware.expected == oracle.predict(rows[:10])).all()
    assert emulate(firmware, "m0plus").instructions.value > 0


def test_thresholds_are_told_with_the_rows_that_change_sides(fitted):
    _, plain, _ = fitted
    (right,) = threshold_rows({"f": plain}, float32_threshold, ordered_code=ordered_code)
    raised = right["rows beside them that change sides, rounded to nearest"]
    assert 0 < raised <= right["not exact in 32 bits"] <= right["different thresholds"]
    assert right["with your codes"] == 0
    (wrong,) = threshold_rows({"f": plain}, np.float32, ordered_code=ordered_code)
    assert wrong["with your codes"] == raised


def test_factors_use_the_far_ends_of_both_intervals():
    found = programs.factor(Result(6, 5, 8, 9, "counted"), Result(2, 1, 4, 7, "counted"))
    assert found == Result(3, 1.25, 8, n=7, kind="counted")


def test_counts_are_shared_out_or_the_reason_is_told(fitted, monkeypatch):
    _, plain, rows = fitted
    forests = {"native": programs.compiled(plain, "native")}
    monkeypatch.setattr(counters, "count", lambda call: counters.NotCountable("no such counter"))
    (row,) = programs.counter_rows(forests, rows)
    assert row["counted"] == "nothing: no such counter"
    counted = counters.Counts({"instructions": Result(1200, 1080, 1320, 15, "counted")}, {})
    monkeypatch.setattr(counters, "count", lambda call: counted)
    (row,) = programs.counter_rows(forests, rows)
    assert row["instructions a row"] == "10 [9, 11]"
    assert row["cache misses a row"] == "-"
