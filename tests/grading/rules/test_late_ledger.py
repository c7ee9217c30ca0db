"""The free days of a term: the same for whatever order of grading, and kept on disk."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.errors import GradingError
from grading.rules.late_ledger import Entry, Ledger, changed, free_days_left, read_ledger, write_lab
from grading.rules.lateness import LateRule

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
DEADLINES = {lab: FIRST + timedelta(days=7 * n) for n, lab in enumerate(("zeta", "beta", "alpha"))}
RULE = LateRule(percent_per_day=10, last_day=7, free_days=3)


def ledger(**labs):
    found = Ledger()
    for lab, entries in labs.items():
        new = {name: Entry(people, days) for name, (people, days) in entries.items()}
        found = found.with_entries(lab, new)
    return found


def test_days_are_spent_in_the_order_of_the_deadlines():
    found = ledger(alpha={"s1": (("p",), 2)}, zeta={"s2": (("p",), 1)}, beta={"s3": (("p",), 1)})
    spent = found.spent(DEADLINES, RULE)
    assert spent == {("zeta", "s2"): 1, ("beta", "s3"): 1, ("alpha", "s1"): 1}


def test_labs_without_a_deadline_come_last():
    found = ledger(aaa={"s1": (("p",), 3)}, alpha={"s2": (("p",), 2)})
    assert found.spent(DEADLINES, RULE) == {("alpha", "s2"): 2, ("aaa", "s1"): 1}


def test_what_cannot_help_is_not_spent():
    found = ledger(zeta={"s1": (("p",), 8)}, beta={"s2": (("p",), 3)})
    assert found.spent(DEADLINES, RULE) == {("zeta", "s1"): 0, ("beta", "s2"): 3}


def test_a_team_spends_the_days_of_all_and_has_those_of_the_poorest():
    found = ledger(
        zeta={"s1": (("a",), 2)}, beta={"s2": (("a", "b"), 2)}, alpha={"s3": (("b",), 5)}
    )
    spent = found.spent(DEADLINES, RULE)
    assert spent == {("zeta", "s1"): 2, ("beta", "s2"): 1, ("alpha", "s3"): 2}


def test_nothing_is_left_for_nobody():
    assert free_days_left((), {}, rule=RULE) == 0
    assert free_days_left(("a", "b"), {"a": 2.5}, rule=RULE) == 0.5


def test_grading_again_replaces_what_was_there():
    found = ledger(zeta={"s1": (("a",), 2), "s2": (("b",), 1)})
    again = found.with_entries("zeta", {"s1": Entry(("a",), 1)})
    assert dict(again.labs["zeta"]) == {"s1": Entry(("a",), 1), "s2": Entry(("b",), 1)}
    on_time = again.with_entries("zeta", {"s1": None, "s2": Entry(("b",), 0)})
    assert on_time.labs["zeta"] == {}
    renamed = found.with_entries("zeta", {"s9": Entry(("a",), 3)})  # collected anew, other id
    assert set(renamed.labs["zeta"]) == {"s2", "s9"}


def test_a_lab_graded_late_says_whose_other_grades_it_changes():
    before = ledger(beta={"s1": (("p",), 3), "s2": (("q",), 1)})
    after = before.with_entries("zeta", {"s3": Entry(("p",), 2)})
    spent = [each.spent(DEADLINES, RULE) for each in (before, after)]
    assert changed(*spent, lab="zeta") == [("beta", "s1")]
    assert changed(spent[1], spent[1], lab="zeta") == []


ENTRIES = st.dictionaries(
    st.sampled_from(["s1", "s2", "s3"]),
    st.builds(
        Entry,
        st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True).map(tuple),
        st.integers(1, 9).map(float),
    ),
    max_size=3,
)


@given(st.dictionaries(st.sampled_from(sorted(DEADLINES)), ENTRIES))
def test_the_order_of_grading_does_not_matter_and_nobody_spends_too_much(labs):
    results = []
    for order in itertools.permutations(labs):
        found = Ledger()
        for lab in order:
            found = found.with_entries(lab, labs[lab])
        results.append(found)
    spents = [each.spent(DEADLINES, RULE) for each in results]
    assert all(spent == spents[0] for spent in spents)
    used = dict.fromkeys("abc", 0.0)
    for (lab, submission), days in spents[0].items():
        for person in results[0].labs[lab][submission].people:
            used[person] += days
        assert 0 <= days <= results[0].labs[lab][submission].days
    assert max(used.values()) <= RULE.free_days


def test_on_disk(tmp_path):
    folder = tmp_path / ".course" / "late"
    assert read_ledger(folder) == Ledger()
    found = ledger(zeta={"s1": (("a", "b"), 2.5)}, beta={})
    for lab in found.labs:
        path = write_lab(folder, found, lab=lab)
        assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_ledger(folder) == found
    before = path.read_bytes()
    write_lab(folder, found, lab=lab)
    assert path.read_bytes() == before
    assert sorted(p.name for p in folder.iterdir()) == ["beta.json", "zeta.json"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"late": 3}', '{"late": {"s": {}}}', '{"late": {"s": {"people": 1}}}', "\xff"],
)
def test_a_damaged_file_is_one_line_with_a_remedy(tmp_path, text):
    (tmp_path / "toy.json").write_text(text, encoding="latin-1")
    with pytest.raises(GradingError, match=r"toy\.json is no ledger of late days; delete it"):
        read_ledger(tmp_path)


def test_who_is_on_time_after_all_pays_nothing_for_another_name_of_the_submission():
    alone = ledger(zeta={"s1": (("a",), 2)})
    in_a_team = alone.with_entries("zeta", {"s9": Entry(("a", "b"), 0)})
    assert in_a_team.spent(DEADLINES, RULE) == {}
