"""Selected settings: what is selected, its fresh seeds, and when it may be called best."""

import numpy as np
import pytest

from course_utils.records import Result
from course_utils.stats import mean_interval
from labs.engine.errors import UsageError
from labs.engine.sweeps.identity import Origin
from labs.engine.sweeps.selection import FRESH_COUNT, confirm, fresh_runs, select
from labs.engine.sweeps.table import Row, Summary

SWEEPS = 600


def summary(setting, values, *, result="top1", purpose="asked", first=0):
    """A setting of which seed `first` + i has the i-th value."""
    rows = tuple(
        Row(
            run_id=f"{setting}{seed}",
            setting=setting,
            seed=seed,
            purpose=purpose,
            state="ok",
            results={result: Result(value, value, value, n=1, kind="measured")},
            duration_s=1.0,
            cpu_s=1.0,
            error="",
        )
        for seed, value in enumerate(map(float, values), first)
    )
    several = len(rows) > 1
    mean = mean_interval(values).result() if several else rows[0].results[result]
    return Summary(setting, rows, 0, 0, {result: mean}, over_seeds=several)


THREE = [
    summary({"bits": 4, "width": 1}, [0.8, 0.82]),
    summary({"bits": 8, "width": 1}, [0.9, 0.92]),
    summary({"bits": 6, "width": 1}, [0.86, 0.84]),
]


def run_id(parameters):
    return Origin("a", {}, {}, threads=1).run_id({"other": 1, **parameters})


def rows_of(summaries):
    return [row for each in summaries for row in each.rows]


def asked(selection, summaries, *, count=3, own_seed=0):
    return fresh_runs(
        selection, rows_of(summaries), count=count, own_seed=own_seed, run_id=run_id, origin="o"
    )


def fresh(selection, selected, following):
    return [
        summary(selection.setting, selected, purpose="fresh", first=1_000_000),
        summary(selection.next_setting, following, purpose="fresh", first=1_000_000),
    ]


def test_largest_and_smallest():
    selection = select(THREE, "top1", largest=True)
    assert (selection.setting["bits"], selection.next_setting["bits"]) == (8, 6)
    selection = select(THREE, "top1", largest=False)
    assert (selection.setting["bits"], selection.next_setting["bits"]) == (4, 6)


def test_what_was_selected_is_told_with_its_test_score_and_what_that_is_worth():
    told = select(THREE, "top1", largest=True).describe()
    assert told.startswith("Selected by its test score top1: bits=8, with 0.91 [")
    assert "over 2 seeds, the largest of 3 settings; next is bits=6 with 0.85" in told
    assert "too high on average" in told
    assert "width" not in told
    assert "best" not in told


@pytest.mark.parametrize(
    ("result", "is_score"),
    [
        ("top1_quantized", True),
        ("bundled_top1_2bit", True),
        ("accuracy_defended", True),
        ("validation_accuracy", False),
        ("latency_ms", False),
        ("stop10_count", False),
    ],
)
def test_a_test_score_is_known_by_its_name(result, is_score):
    settings = [summary({"a": i}, [i, i], result=result) for i in range(2)]
    selection = select(settings, result, largest=False)
    assert selection.is_by_test_score == is_score
    by = "its test score " if is_score else ""
    assert selection.describe().startswith(f"Selected by {by}{result}: a=0, with 0")


def test_of_equal_means_the_first_is_selected():
    settings = [summary({"a": i}, [value]) for i, value in enumerate((1, 2, 2))]
    selection = select(settings, "top1", largest=True)
    assert (selection.setting, selection.next_setting) == ({"a": 1}, {"a": 2})
    assert "in one run" in selection.describe()


def test_a_setting_with_fewer_finished_runs_takes_no_part():
    lucky = summary({"bits": 2, "width": 1}, [0.99])
    without = Summary({"bits": 1, "width": 1}, (), 2, 0, {}, over_seeds=False)
    selection = select([lucky, *THREE, without], "top1", largest=True)
    assert selection.setting["bits"] == 8
    assert selection.left_out == 2
    assert "2 more took no part" in selection.describe()


@pytest.mark.parametrize(
    ("settings", "result", "message"),
    [
        (THREE, "top2", "no run has a result 'top2'; did you mean 'top1'?; there are top1"),
        ([], "top1", "no run has ended well yet"),
        (THREE[:1], "top1", "top1 of 1 setting among 1 is complete: nothing to select from"),
        (
            [summary({"a": 1}, [0.5, 0.5]), summary({"a": 2}, [0.5, 0.5])],
            "top1",
            "all 2 settings have top1 0.5: nothing to select",
        ),
    ],
)
def test_what_cannot_be_selected_is_one_clear_line(settings, result, message):
    with pytest.raises(UsageError) as caught:
        select(settings, result, largest=True)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fresh_runs_have_seeds_that_nothing_else_used_and_names_of_their_own():
    selection = select(THREE, "top1", largest=True)
    runs = asked(selection, THREE)
    assert {run.purpose for run in runs} == {"fresh"}
    assert {run.origin for run in runs} == {"o"}
    assert len({run.id for run in runs}) == len(runs) == 6
    assert runs[0].parameters == {"bits": 8, "width": 1, "seed": 1_000_000}
    seeds = {
        bits: [r.parameters["seed"] for r in runs if r.parameters["bits"] == bits]
        for bits in (8, 6)
    }
    assert seeds[8] == seeds[6] == [1_000_000, 1_000_001, 1_000_002]


def test_fresh_seeds_stay_clear_of_large_ones_and_of_the_notebooks_own():
    far = [summary({"a": i}, [i, i], first=2_000_000) for i in range(2)]
    selection = select(far, "top1", largest=True)
    assert asked(selection, far)[0].parameters["seed"] == 2_000_002
    assert asked(selection, far, own_seed=5_000_000)[0].parameters["seed"] == 5_000_001


def test_the_same_fresh_runs_are_asked_for_when_some_are_done():
    selection = select(THREE, "top1", largest=True)
    before = asked(selection, THREE)
    done = fresh(selection, [0.9, 0.9, 0.9], [0.8, 0.8, 0.8])
    assert asked(selection, [*THREE, *done]) == before


@pytest.mark.parametrize(
    ("changed", "message"), [({"own_seed": None}, "no parameter seed"), ({"count": 0}, "1 or more")]
)
def test_fresh_runs_that_cannot_be_are_refused(changed, message):
    with pytest.raises(UsageError, match=message):
        asked(select(THREE, "top1", largest=True), THREE, **changed)


def test_a_setting_that_stays_ahead_with_fresh_seeds_is_called_best():
    selection = select(THREE, "top1", largest=True)
    found = confirm(selection, fresh(selection, [0.89, 0.9, 0.91] * 2, [0.8, 0.82, 0.81] * 2))
    assert found.is_best
    assert found.shrinkage == pytest.approx(0.91 - 0.9)
    told = found.describe()
    assert "With fresh seeds bits=8 has top1 0.9 [" in told
    assert "over 6 seeds, 0.01 worse than when it was selected" in told
    assert "It is called best: its top1 less that of bits=6 is 0.09 [" in told
    assert told.endswith("over the same 6 seeds, p = 0.0312; 1 with worse means not run again.")


def test_smallest_may_be_best_too():
    selection = select(THREE, "top1", largest=False)
    found = confirm(selection, fresh(selection, [0.7] * 6, [0.8] * 6))
    assert found.is_best
    assert found.shrinkage < 0
    assert "better than when it was selected" in found.describe()


@pytest.mark.parametrize(
    ("selected", "following", "said"),
    [
        (
            [0.9] * 5,
            [0.8] * 5,
            "not called best: its top1 less that of bits=6 is 0.1 [0.1, 0.1] over the same 5 seeds",
        ),
        ([0.9] * 5, [0.8] * 5, f"{FRESH_COUNT} fresh seeds are the fewest"),
        ([0.9] * 7, [0.9] * 7, "above 0.05; more seeds may show it"),
        ([0.8] * 7, [0.9] * 7, "It is not best: its top1 less that of bits=6 is -0.1"),
        ([0.9], [0.8], "is 0.1 over the same 1 seed, p = 1; 6 fresh seeds are the fewest"),
    ],
)
def test_what_is_missing_for_best_is_told(selected, following, said):
    selection = select(THREE, "top1", largest=True)
    found = confirm(selection, fresh(selection, selected, following))
    assert not found.is_best
    assert said in found.describe()


def test_without_fresh_runs_of_the_next_best_nothing_is_best():
    selection = select(THREE, "top1", largest=True)
    found = confirm(selection, fresh(selection, [0.9] * 7, [0.8] * 7)[:1])
    assert not found.is_best
    assert "bits=6 has no run with the same fresh seeds" in found.describe()


def test_without_fresh_runs_there_is_nothing_to_say():
    selection = select(THREE, "top1", largest=True)
    with pytest.raises(UsageError, match="no fresh run of bits=8 has ended with top1"):
        confirm(selection, [])


def test_of_equal_settings_the_selected_mean_is_flattered_and_the_fresh_mean_is_not():
    rng = np.random.default_rng(3)
    settings, seeds = 8, 5
    selected, unflattered, best = [], [], 0
    for _ in range(SWEEPS):
        sweep = [summary({"a": i}, rng.normal(size=seeds)) for i in range(settings)]
        selection = select(sweep, "top1", largest=True)
        found = confirm(selection, fresh(selection, rng.normal(size=8), rng.normal(size=8)))
        selected.append(selection.mean.value)
        unflattered.append(found.fresh.value)
        best += found.is_best
    # The largest of 8 standard normal numbers is 1.4236 on average.
    spread = np.std(selected) / np.sqrt(SWEEPS)
    assert np.mean(selected) == pytest.approx(1.4236 / np.sqrt(seeds), abs=4 * spread)
    assert abs(np.mean(unflattered)) <= 4 / np.sqrt(8 * SWEEPS)
    assert best / SWEEPS <= 0.05


def test_a_setting_that_is_best_by_far_is_mostly_found_to_be():
    rng = np.random.default_rng(4)
    best = 0
    for _ in range(50):
        sweep = [summary({"a": i}, rng.normal(size=5) + 3 * (i == 0)) for i in range(4)]
        selection = select(sweep, "top1", largest=True)
        assert selection.setting == {"a": 0}
        best += confirm(
            selection, fresh(selection, rng.normal(size=8) + 3, rng.normal(size=8))
        ).is_best
    assert best >= 45
