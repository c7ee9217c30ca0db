"""Points, marks and the late rule: sums on paper, and properties."""

from hypothesis import given
from hypothesis import strategies as st

from grading.assessing.score import score
from grading.rules.lateness import LateRule, penalty
from grading.verdict import ExerciseVerdict, Verdict


def verdict(*points: float | None, status: str = "graded") -> Verdict:
    exercises = tuple(
        ExerciseVerdict(f"9.{n}", "to mark" if each is None else "partly", each, 4.0, "")
        for n, each in enumerate(points, 1)
    )
    return Verdict("anna", status, exercises)


def test_decimal_points_add_up_as_on_paper():
    assert score(verdict(0.1, 0.2), max_total=8).total == 0.3


def test_unmarked_text_counts_nothing_so_far_and_keeps_the_status_open():
    scored = score(verdict(3.0, None), max_total=8)
    assert (scored.status, scored.total, scored.points["9.2"]) == ("needs_marking", 3.0, None)


def test_a_mark_takes_the_place_of_the_points_and_closes_the_status():
    scored = score(verdict(3.0, None), max_total=8, marks={"9.2": 1.5, "9.1": 4.0})
    assert (scored.status, scored.total) == ("graded", 5.5)


def test_the_late_rule_takes_its_share_of_what_was_reached():
    late = penalty(2.0, LateRule(percent_per_day=10))
    scored = score(verdict(4.0, 3.0), max_total=8, late=late)
    assert (scored.reached, scored.total, scored.late_days) == (7.0, 5.6, 2.0)
    assert "20 %" in scored.late_sentence


def test_unknown_lateness_costs_nothing_and_stays_unknown():
    scored = score(verdict(4.0), max_total=4, late=penalty(None, LateRule(percent_per_day=10)))
    assert (scored.total, scored.late_days) == (4.0, None)


def test_a_refused_submission_stays_refused_and_has_nothing():
    scored = score(verdict(status="refused"), max_total=8)
    assert (scored.status, scored.total, scored.max_total) == ("refused", 0.0, 8.0)


@given(
    points=st.lists(st.none() | st.integers(0, 400).map(lambda cents: cents / 100), max_size=8),
    days=st.none() | st.floats(0, 30),
)
def test_a_total_lies_between_nothing_and_everything(points, days):
    late = penalty(days, LateRule(percent_per_day=7, cap_percent=60))
    scored = score(verdict(*points), max_total=10, late=late)
    assert 0 <= scored.total <= scored.reached <= scored.max_total
    assert (scored.status == "needs_marking") == (None in points)
    cents = sum(round(each * 100) for each in points if each is not None)
    assert scored.reached == min(cents, 1000) / 100
