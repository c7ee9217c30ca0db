"""Two sweeps side by side: what changed, which runs are paired, and which verdicts are given."""

import csv
import json

import numpy as np
import pytest
from scipy import stats

from labs.engine.errors import UsageError
from labs.engine.sweeps import folder as folders
from labs.engine.sweeps.compare import compare, welch_interval
from labs.engine.sweeps.folder import Asking, Run, open_folder
from labs.engine.sweeps.identity import Origin

MACHINE = {"processor": "one", "cores": 2, "gpus": [], "system": "Linux 6"}
ORIGIN = Origin("aa", {"course_utils": "bb"}, {"torch": "2.12"}, threads=1)


def result(value, kind="measured"):
    return {"value": value, "low": value, "high": value, "n": 1, "kind": kind}


def sweep(path, runs, *, origin=ORIGIN, target="a lab", **asking):
    """A folder with a finished run for each (parameters, results), of this origin."""
    folder = open_folder(path, target=target)
    facts = {"origin": origin.name, "origins": {origin.name: vars(origin)}}
    asked = [Run(origin.run_id(parameters), parameters, origin.name) for parameters, _ in runs]
    folder.ask(asked, Asking(**facts, **asking))
    for run, (parameters, results) in zip(asked, runs, strict=True):
        finish(folder, run.id, parameters, results)
    return folder


def finish(folder, run_id, parameters, results, *, status="ok", machine=MACHINE):
    numbers = {n: v if isinstance(v, dict) else result(v) for n, v in results.items()}
    record = {
        "lab": "a lab",
        "parameters": parameters,
        "status": status,
        "results": numbers,
        "provenance": {"git": None, "data": ["digits"], "machine": machine},
    }
    (folder.begin(run_id) / folders.RECORD).write_text(json.dumps(record))


def runs_of(value, *, seeds=range(8), bits=(4, 8), **fixed):
    """Runs of each setting and seed, whose result is `value(bits, seed)`."""
    return [
        ({"bits": b, "seed": s, "epochs": 2, **fixed}, {"top1": value(b, s)})
        for b in bits
        for s in seeds
    ]


def noisy(shift, *, rng):
    """A result that seeds move alike in all sweeps, with luck of its own."""
    return lambda bits, seed: bits + 0.3 * seed + shift + rng.normal(scale=0.1)


def test_runs_are_paired_by_seed_and_a_difference_is_found(tmp_path):
    rng = np.random.default_rng(0)
    a = sweep(tmp_path / "a", runs_of(noisy(0, rng=rng)))
    b = sweep(tmp_path / "b", runs_of(noisy(-1, rng=rng)))
    found = compare(a, b)
    assert [(d.setting, d.verdict, d.n) for d in found.differences] == [
        ({"bits": 4}, "smaller", 8),
        ({"bits": 8}, "smaller", 8),
    ]
    first = found.differences[0]
    # Each seed moves both alike, by far more than 0.1: only in pairs is the interval so short.
    assert first.interval.low < -1 < first.interval.high
    assert first.interval.high - first.interval.low < 0.5
    assert first.value == pytest.approx(first.b - first.a)
    assert first.p_value == pytest.approx(2 * 2 / 2**8)  # the least there is, times two comparisons
    assert found.tests == 2


def test_what_changed_is_what_all_runs_of_a_sweep_have_in_common(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: b, preset="x"), preset="smoke")
    other = Origin("cc", {"course_utils": "dd"}, {"torch": "2.13"}, threads=2)
    runs = [({**p, "epochs": 20, "new": [1, 2]}, r) for p, r in runs_of(lambda b, s: b)]
    b = sweep(tmp_path / "b", runs, origin=other, target="another", preset="default")
    changes = {change.what: (change.a, change.b) for change in compare(a, b).changes}
    assert changes == {
        "notebook": ("a lab", "another"),
        "preset": ("smoke", "default"),
        "parameter epochs": ("2", "20"),
        "parameter preset": ("x", "none"),
        "parameter new": ("none", "[1, 2]"),
        "the notebook's cells": ("aa", "cc"),
        "code of course_utils": ("bb", "dd"),
        "version of torch": ("2.12", "2.13"),
        "threads": ("1", "2"),
    }


def test_another_machine_is_a_change(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: b))
    b = sweep(tmp_path / "b", runs_of(lambda b, s: b))
    run = next(iter(b.current.values()))
    machine = {**MACHINE, "processor": "two", "gpus": ["H200"]}
    finish(b, run.id, run.parameters, {"top1": 1.0}, machine=machine)
    changes = {change.what: (change.a, change.b) for change in compare(a, b).changes}
    assert changes == {"processor": ("one", "one, two"), "gpus": ("none", "H200, none")}


def test_a_parameter_that_varies_in_one_sweep_alone_is_matched(tmp_path):
    both = [*runs_of(lambda b, s: 1.0 + s), *runs_of(lambda b, s: 2.0 + s, epochs=5)]
    both = [({**p, "epochs": e}, r) for (p, r), e in zip(both, [2] * 16 + [5] * 16, strict=True)]
    a = sweep(tmp_path / "a", both)
    b = sweep(tmp_path / "b", runs_of(lambda b, s: 1.5 + s, bits=(8, 16)))
    found = compare(a, b)
    assert [d.setting for d in found.differences] == [{"bits": 8, "epochs": 2}]
    assert {"bits": 4, "epochs": 5} in found.only_a
    assert found.only_b == ({"bits": 16, "epochs": 2},)
    assert "parameter epochs" not in {change.what for change in found.changes}
    assert "Only in B: bits=16, epochs=2." in found.describe()


def test_too_few_seeds_say_how_many_are_needed(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: s, seeds=range(3)))
    b = sweep(tmp_path / "b", runs_of(lambda b, s: s + 1 + 0.01 * s, seeds=range(3)))
    found = compare(a, b)
    assert {d.verdict for d in found.differences} == {"too few seeds"}
    assert found.differences[0].interval.n == 3
    assert "a verdict needs 7 seeds of each setting in both sweeps" in found.describe()


def test_only_seeds_of_both_are_compared(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: s, seeds=range(10)))
    b = sweep(tmp_path / "b", runs_of(lambda b, s: s + 1, seeds=range(2, 12)))
    each = compare(a, b).differences[0]
    assert (each.n, each.a, each.b, each.verdict) == (8, 5.5, 6.5, "larger")


def test_without_a_common_seed_nothing_is_tested(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: s, seeds=range(4)))
    b = sweep(tmp_path / "b", runs_of(lambda b, s: 100 * s, seeds=range(10, 15)))
    found = compare(a, b)
    each = found.differences[0]
    assert (each.verdict, each.n, each.p_value, found.tests) == ("not paired", 0, None, 0)
    assert each.interval.method == "Welch's t"
    assert "give both sweeps the same seeds" in found.describe()
    assert "corrected" not in found.describe()


def test_welch_interval_is_that_of_scipy():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=6), rng.normal(loc=1, scale=4, size=9)
    oracle = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    found = welch_interval(a, b)
    assert (found.low, found.high) == (pytest.approx(oracle.low), pytest.approx(oracle.high))
    assert welch_interval([1.0], [2.0, 3.0]) is None
    assert welch_interval([1.0, 1.0], [3.0, 3.0]).low == 2


def test_counts_that_no_seed_changes_need_no_test(tmp_path):
    def runs(size, rounds, seeds):
        counts = {"size_bytes": result(size, "counted"), "macs": result(7, "counted")}
        return [
            ({"seed": s}, counts | {"rounds": result(rounds + s, "counted")}) for s in range(seeds)
        ]

    a = sweep(tmp_path / "a", runs(100, 5, 3))
    b = sweep(tmp_path / "b", runs(50, 6, 3))
    found = compare(a, b)
    verdicts = {d.result: (d.verdict, d.value, d.p_value) for d in found.differences}
    assert verdicts["size_bytes"] == ("exact", -50, None)
    assert verdicts["macs"] == ("equal", 0, None)
    assert verdicts["rounds"][0] == "too few seeds"
    assert found.tests == 1


def test_a_sweep_without_seeds_has_differences_and_no_verdict(tmp_path):
    a = sweep(tmp_path / "a", [({"bits": b}, {"top1": 0.1 * b}) for b in (4, 8)])
    b = sweep(tmp_path / "b", [({"bits": b}, {"top1": 0.2 * b}) for b in (4, 8)])
    each = compare(a, b).differences[0]
    assert (each.n, each.interval, each.verdict) == (1, None, "too few seeds")
    assert each.value == pytest.approx(0.4)


def test_fewer_results_are_fewer_tests(tmp_path):
    runs = [(p, {**r, "loss": 1.0, "latency_ms": 2.0}) for p, r in runs_of(lambda b, s: s)]
    a, b = sweep(tmp_path / "a", runs), sweep(tmp_path / "b", runs, results=("loss",))
    assert {d.result for d in compare(a, b).differences} == {"loss"}  # those B was asked for
    found = compare(a, b, results=["top1", "loss"])
    assert found.tests == 4
    assert found.left_out == ("latency_ms",)
    assert "corrected for 4 comparisons (Holm)" in found.describe()
    assert "not compared: latency_ms" in found.describe()


def test_failed_open_fresh_and_earlier_runs_take_no_part(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: s, seeds=range(3), bits=(4,)))
    b = sweep(tmp_path / "b", runs_of(lambda b, s: s, seeds=range(3), bits=(4,)))
    origin = ORIGIN.name
    more = {name: {"bits": 4, "seed": 50 + i, "epochs": 2} for i, name in enumerate("abcd")}
    for folder in (a, b):
        folder.ask(
            [
                Run("a", more["a"], origin),
                Run("b", more["b"], origin),
                Run("c", more["c"], origin, purpose="fresh"),
                Run("d", more["d"], "earlier"),
            ]
        )
        finish(folder, "b", more["b"], {"top1": 9.0}, status="failed")
        finish(folder, "c", more["c"], {"top1": 9.0})
        finish(folder, "d", more["d"], {"top1": 9.0})
    found = compare(a, b)
    assert [d.n for d in found.differences] == [3]
    assert found.a.endswith("3 finished runs")


def test_a_result_that_some_runs_lack_is_compared_where_it_is(tmp_path):
    runs = runs_of(lambda b, s: s, bits=(4,))
    fewer = [(p, r if p["seed"] else {}) for p, r in runs]
    found = compare(sweep(tmp_path / "a", runs), sweep(tmp_path / "b", fewer))
    assert [d.n for d in found.differences] == [7]


@pytest.mark.parametrize(
    ("results_b", "asked", "message"),
    [
        ({"top1": 1.0}, ["topp1"], r"'topp1' is no result of both; did you mean 'top1'\?"),
        ({"loss": 1.0}, [], "no result in common: A has top1; B has loss"),
        (None, [], "has no run that ended well"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(tmp_path, results_b, asked, message):
    a = sweep(tmp_path / "a", [({"x": 1}, {"top1": 1.0})])
    b = sweep(tmp_path / "b", [({"x": 1}, results_b)] if results_b else [])
    with pytest.raises(UsageError, match=message) as caught:
        compare(a, b, results=asked)
    assert "\n" not in str(caught.value)


def test_a_sweep_is_not_compared_with_itself(tmp_path):
    a = sweep(tmp_path / "a", [({"x": 1}, {"top1": 1.0})])
    with pytest.raises(UsageError, match="are the same sweep; give two"):
        compare(a, open_folder(tmp_path / "." / "a", target="a lab"))


def test_no_setting_in_common_is_said(tmp_path):
    a = sweep(tmp_path / "a", runs_of(lambda b, s: s, bits=(4, 5)))
    b = sweep(tmp_path / "b", runs_of(lambda b, s: s, bits=(8, 9)))
    told = compare(a, b).describe()
    assert "No setting has finished runs in both sweeps." in told
    assert "Only in A: bits=4; bits=5." in told


def test_lines_fit_a_narrow_terminal(tmp_path):
    rng = np.random.default_rng(1)
    a = sweep(tmp_path / "a", runs_of(noisy(0, rng=rng)))
    b = sweep(tmp_path / "b", runs_of(noisy(1, rng=rng)))
    found = compare(a, b)
    wide, narrow = found.describe().splitlines(), found.describe(60).splitlines()
    assert next(line for line in wide if line.startswith("  top1")).endswith("larger")
    assert "  top1: larger (8 pairs, p 0.0156)" in narrow
    assert max(map(len, narrow[narrow.index("bits=4") :])) <= 60


def test_the_table_is_kept_as_csv(tmp_path):
    runs = [({"bits": "=4", "verdict": v, "seed": 0}, {"top1": 0.5}) for v in (1, 2)]
    a, b = (
        sweep(tmp_path / "a", runs),
        sweep(tmp_path / "b", [*runs, ({"bits": "x", "verdict": 1, "seed": 0}, {"top1": 1.0})]),
    )
    path = tmp_path / "out.csv"
    found = compare(a, b)
    assert found.write(path) == path
    assert found.write(path) == path  # replaces its own
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert rows[0]["bits"] == "'=4"
    assert rows[1]["verdict_parameter"] == "2"
    assert (rows[0]["difference"], rows[0]["low"], rows[0]["pairs"]) == ("0.0", "", "1")


def test_a_file_that_is_no_comparison_is_not_replaced(tmp_path):
    runs = [({"x": 1}, {"top1": 1.0})]
    found = compare(sweep(tmp_path / "a", runs), sweep(tmp_path / "b", runs))
    other = tmp_path / "mine.csv"
    other.write_text("mine")
    with pytest.raises(UsageError, match="holds no comparison"):
        found.write(other)
    assert other.read_text() == "mine"
    with pytest.raises(UsageError, match="cannot write"):
        found.write(tmp_path / "nowhere" / "out.csv")
    with pytest.raises(UsageError, match="cannot write"):
        found.write(tmp_path)
