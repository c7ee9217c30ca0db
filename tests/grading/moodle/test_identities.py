"""Whose hand-in is whose: every form of download, teams, attempts, and the pseudonyms."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from grading.errors import GradingError
from grading.moodle.downloads import Slot
from grading.moodle.identities import (
    Match,
    identify,
    match,
    person_key,
    pseudonyms,
    read_identities,
    write_identities,
)
from grading.submissions import read_submissions


def _load(name: str):
    """Load a helper by its place: the folder of tests has no __init__.py."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


moodle = _load("moodle_downloads")
drawn = _load("strategies")

SECRET, BERLIN = moodle.SECRET, moodle.BERLIN
LINK = "https://colab.research.google.com/drive/1aBcD"


@pytest.fixture
def desk(toy, tmp_path):
    return moodle.Desk(toy.course.lab("toy"), tmp_path)


# Forms of the download.


@pytest.mark.parametrize("form", [{}, {"has_underscore": True}, {"is_flat": True}])
@pytest.mark.parametrize("around", ["", "Course-Lab 1-1234/"])
def test_every_form_gives_the_same_collection(desk, form, around):
    hand_ins, rows = moodle.cohort(3)
    hand_ins[0].files = {"work/toy.ipynb": moodle.notebook("deep")}
    hand_ins[2].online = f'<p>See <a href="{LINK}">my notebook</a></p>'
    desk.collect(moodle.download(hand_ins, around=around, **form), rows)
    assert [desk.submission(h.name).notebook for h in hand_ins] == [
        moodle.notebook("deep"),
        *(moodle.notebook(f"x = {n}") for n in (1, 2)),
    ]
    assert desk.submission(hand_ins[2].name).url == LINK
    key = desk.people()[hand_ins[2].name]
    assert desk.tree()[f"submissions/{key}/online.txt"] == f"See my notebook ({LINK})\n".encode()


@pytest.mark.parametrize("language", ["en", "de"])
def test_blind_hand_ins_join_by_number_alone(desk, language):
    hand_ins = [
        moodle.HandIn(moodle.BLIND[language], n, {"a.ipynb": moodle.notebook()}) for n in (3, 4)
    ]
    rows = [moodle.Row(n) for n in (3, 4, 5)]
    found = desk.collect(moodle.download(hand_ins), rows)
    assert sum(r.is_missing for r in found.collection.records.values()) == 1
    identities = read_identities(desk.output / "identities.json").values()
    assert sorted(i.members[0].number for i in identities) == [3, 4, 5]
    assert all(r.person == () for r in found.collection.records.values())


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_team_hands_in_once_and_every_member_is_listed(desk, language):
    team = moodle.HandIn("Team 5: Blue/Red", 21, {"toy.ipynb": moodle.notebook("team")})
    rest = moodle.HandIn(moodle.DEFAULT_TEAM[language], None, {"toy.ipynb": moodle.notebook("r")})
    rows = [
        moodle.Row(21, "Ada", group="Team 6"),  # has the number of the other team
        moodle.Row(22, "Bob", group="Team 5: Blue/Red", email="bob@x"),
        moodle.Row(23, "Cleo", group="Team 5: Blue/Red", email="cleo@x"),
        moodle.Row(24, "Dan", group=""),
    ]
    desk.collect(moodle.download([team, rest]), rows)
    found = {i.name: i for i in read_identities(desk.output / "identities.json").values()}
    assert set(found) == {"Team 5 BlueRed".replace(" B", ": B"), rest.name, "Ada"}
    blue = found["Team 5: BlueRed"]
    assert [m.name for m in blue.members] == ["Bob", "Cleo"]
    assert [m.folder for m in blue.members] == [
        "Bob_22_assignsubmission_file",
        "Cleo_23_assignsubmission_file",
    ]
    assert blue.is_team
    assert [m.name for m in found[rest.name].members] == ["Dan"]
    assert desk.submission("Ada").is_missing
    assert len(desk.submission("Team 5: BlueRed").person) == 2


def test_a_team_without_a_worksheet_is_one_row(desk):
    team = moodle.HandIn("Team 5", 21, {"toy.ipynb": moodle.notebook()})
    rest = moodle.HandIn("Default group", None, {"toy.ipynb": moodle.notebook()})
    desk.collect(moodle.download([team, rest]))
    assert len(read_submissions(desk.output)) == 2
    assert desk.submission("Default group").problem == ""


def test_a_number_of_the_worksheet_never_gives_a_team_s_work_to_a_person():
    slot = Slot("Renamed team", 21, "f")
    (first, second) = match([slot], [moodle.Row(21, "Ada", group="Team 6")])
    assert (first.rows, second.slot) == ((), None)


def test_names_in_any_order_join_by_number(desk):
    hand_ins = [moodle.HandIn("alovelace Lovelace, Ada", 1, {"a.ipynb": moodle.notebook()})]
    for group in ("", "Team"):
        (one,) = match(
            [Slot(hand_ins[0].name, 1, "f")], [moodle.Row(1, "Ada Lovelace", group=group)]
        )
        assert one.rows


# Attempts.


def test_of_several_attempts_the_latest_counts_and_a_note_says_so(desk):
    def attempt(text, minutes, **form):
        when = moodle.NOON + timedelta(minutes=minutes)
        hand_in = moodle.HandIn("Ada", 1, {"toy.ipynb": moodle.notebook(text)}, when=when)
        start, _ = moodle.entries(hand_in, **form)
        return start, hand_in

    early, late = attempt("early", 0), attempt("late", 9, has_underscore=True)
    for order in ([early, late], [late, early]):
        content = moodle.joined([moodle.download([h], has_underscore="_/" in s) for s, h in order])
        found = desk.collect(content)
        (record,) = found.collection.records.values()
        assert desk.submission("Ada").notebook == moodle.notebook("late")
        assert record.notes == ("2 attempts in the download; the latest counts",)


def test_of_one_path_twice_the_later_one_counts(desk):
    hand_in = moodle.HandIn("Ada", 1, {"toy.ipynb": moodle.notebook("late")})
    early = moodle.HandIn(
        "Ada", 1, {"toy.ipynb": moodle.notebook("early")}, when=moodle.NOON - timedelta(days=1)
    )
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = moodle.joined([moodle.download([hand_in]), moodle.download([early])])
    (record,) = desk.collect(content).collection.records.values()
    assert desk.submission("Ada").notebook == moodle.notebook("late")
    assert "more than once" in record.notes[0]


def test_folders_of_attempts_count_unless_something_lies_beside_them(desk):
    files = {f"attempt{n}/toy.ipynb": moodle.notebook(f"attempt {n}") for n in (1, 10, 9)}
    desk.collect(moodle.download([moodle.HandIn("Ada", 1, files)]))
    assert desk.submission("Ada").notebook == moodle.notebook("attempt 10")
    files["toy.ipynb"] = moodle.notebook("mine")
    desk.collect(moodle.download([moodle.HandIn("Ada", 1, files)]))
    assert desk.submission("Ada").notebook == moodle.notebook("mine")


def test_one_number_with_two_names_is_two_rows(desk):
    hand_ins = [moodle.HandIn(n, 1, {"a.ipynb": moodle.notebook(n)}) for n in ("Ada", "Bob")]
    desk.collect(moodle.download(hand_ins))
    assert [desk.submission(n).notebook for n in ("Ada", "Bob")] == [
        moodle.notebook("Ada"),
        moodle.notebook("Bob"),
    ]
    assert "more than one name" in desk.submission("Ada").notes[0]


# Pseudonyms.


def test_pseudonyms_hang_on_secret_lab_and_number_and_not_on_order():
    slots = [Match(Slot(f"P{n}", n, "f"), ()) for n in range(200)]
    ids = pseudonyms(SECRET, "toy", matches=slots)
    assert len(set(ids)) == 200
    assert pseudonyms(SECRET, "toy", matches=slots[::-1]) == ids[::-1]
    assert not set(ids) & set(pseudonyms(SECRET, "other", matches=slots))
    assert not set(ids) & set(pseudonyms(b"t" * 32, "toy", matches=slots))


def test_a_person_is_the_same_in_every_lab_whatever_is_known():
    one = moodle.Row(1, "Ada", email="Ada@X.org")
    assert person_key(SECRET, one) == person_key(SECRET, moodle.Row(9, "A. L.", email="ada@x.org"))
    keys = [
        person_key(SECRET, row)
        for row in (
            one,
            moodle.Row(1, "Ada", id_number="7"),
            moodle.Row(1, "Ada", fields={"Anmeldename": "ada"}),
            moodle.Row(1, "Ada"),
        )
    ]
    assert len(set(keys)) == 4
    assert person_key(SECRET, moodle.Row(1)) == ""


def test_identities_come_back_as_written_and_damage_is_said(tmp_path):
    found = identify(SECRET, "s1", of=Match(Slot("Ada\ud800", 1, "f"), (moodle.Row(1, "Ada"),)))
    path = tmp_path / "identities.json"
    write_identities(path, [found])
    assert read_identities(path) == {"s1": found}
    for text in ("", "[]", '{"submissions": {"a": {}}}'):
        path.write_text(text)
        with pytest.raises(GradingError, match="is damaged"):
            read_identities(path)
