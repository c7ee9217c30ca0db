"""The catalog reads what is documented and names whatever is not."""

from pathlib import Path

import pytest

from labs.engine import catalog
from labs.engine.errors import LabFormatError, UnknownLabError

LAB = """
number = 7
title = "Toy"
summary = "A toy."
minutes = 5
hardware = "Any computer."
datasets = ["digits"]
[presets.smoke]
epochs = 1
[results]
top1 = "share of test images named right"
[exercises."7.1"]
title = "Count"
points = 4
kind = "code"
tier = "core"
student_minutes = 3
functions = ["count"]
withhold = ["course_utils.counting"]
[exercises."7.2"]
title = "Reflect"
points = 2
kind = "text"
tier = "core"
student_minutes = 2
"""


def make_lab(root: Path, name: str = "toy", text: str = LAB) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(text, encoding="utf-8")
    return folder


def test_reads_every_key(tmp_path):
    folder = make_lab(tmp_path)
    for name in ("checks.py", "__init__.py", "notes.txt"):
        (folder / name).touch()
    lab = catalog.read_lab(folder)
    assert (lab.name, lab.number, lab.title, lab.minutes) == ("toy", 7, "Toy", 5)
    assert (lab.datasets, lab.extras) == (("digits",), ())
    assert lab.presets == {"default": {}, "smoke": {"epochs": 1}}
    assert lab.results == {"top1": "share of test images named right"}
    assert lab.points == 4 + 2
    assert list(lab.exercises) == ["7.1", "7.2"]
    assert lab.exercises["7.1"].functions == ("count",)
    assert lab.exercises["7.1"].withhold == ("course_utils.counting",)
    assert lab.exercises["7.2"].functions == ()
    assert lab.notebook == folder.resolve() / "toy.ipynb"
    assert [path.name for path in lab.modules] == ["__init__.py", "checks.py"]


def test_package_is_the_import_name(tmp_path):
    folder = make_lab(tmp_path / "labs" / "seminar")
    for package in ("labs", "labs/seminar", "labs/seminar/toy"):
        (tmp_path / package / "__init__.py").touch()
    lab = catalog.read_lab(folder)
    assert lab.package == "labs.seminar.toy"
    assert lab.module_name("checks") == "labs.seminar.toy.checks"


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("minutes = 5", "minuts = 5", ["minuts", "did you mean 'minutes'"]),
        ("minutes = 5", 'minutes = "5"', ["minutes", "'5'", "whole number"]),
        ("minutes = 5", "minutes = true", ["minutes", "True", "whole number"]),
        ("minutes = 5", "", ["minutes is missing", "whole number"]),
        ('title = "Toy"', 'title = ""', ["title", "''", "one line of text"]),
        ('datasets = ["digits"]', 'datasets = "digits"', ["datasets", "'digits'", "list"]),
        ("[presets.smoke]", "[presets.fast]", ["presets", "['fast']", "smoke"]),
        ("[presets.smoke]", "[presets]\nsmoke = 1\n[results2]", ["results2"]),
        ("epochs = 1", "epochs = { a = 1 }", ["presets.smoke.epochs", "{'a': 1}", "number"]),
        ('top1 = "share', '"top-1" = "share', ["results.top-1", "name = 'a sentence'"]),
        ('[exercises."7.2"]', '[exercises."8.2"]', ['exercises."8.2"', '"7.1"']),
        ('[exercises."7.2"]', '[exercises."7.0"]', ['exercises."7.0"', '"7.1"']),
        ("points = 4", "points = 4.5", ['exercises."7.1".points', "4.5", "whole number"]),
        ('kind = "text"', 'kind = "essay"', ['"7.2".kind', "'essay'", "'code' or 'text'"]),
        ('functions = ["count"]', "", ['"7.1".functions', "[]", "at least one"]),
        ('functions = ["count"]', 'functions = ["a.b"]', ['"7.1".functions', "Python names"]),
        ('kind = "code"\ntier = "core"', 'kind = "code"\ntier = "extension"', ["0 for tier"]),
        ("number = 7", "number = ", ["no TOML", "line 2"]),
    ],
)
def test_names_file_key_value_and_what_is_allowed(tmp_path, before, after, named):
    assert before in LAB
    folder = make_lab(tmp_path, text=LAB.replace(before, after))
    with pytest.raises(LabFormatError) as caught:
        catalog.read_lab(folder)
    message = str(caught.value)
    assert "\n" not in message
    for words in [str(folder / "lab.toml"), *named]:
        assert words in message


def test_folder_without_a_lab_is_named(tmp_path):
    with pytest.raises(LabFormatError, match=r"lab\.toml is missing"):
        catalog.read_lab(tmp_path)


def test_finds_labs_however_deep_in_the_order_of_their_numbers(tmp_path):
    make_lab(tmp_path / "seminar", "late", LAB.replace("7", "8"))
    make_lab(tmp_path, "early", LAB.replace("7", "2"))
    make_lab(tmp_path / ".ipynb_checkpoints", "old")
    assert [lab.name for lab in catalog.find_labs(tmp_path)] == ["early", "late"]
    assert catalog.find_lab("late", root=tmp_path).number == 8
    assert catalog.find_lab_by_number(2, root=tmp_path).name == "early"
    assert catalog.lab_of_exercise("8.2", root=tmp_path).name == "late"


def test_unknown_names_come_with_what_there_is(tmp_path):
    make_lab(tmp_path)
    with pytest.raises(UnknownLabError, match=r"no lab 'tyo'; did you mean 'toy'\? \(labs: toy\)"):
        catalog.find_lab("tyo", root=tmp_path)
    with pytest.raises(UnknownLabError, match=r"no lab has the number 1 \(labs: 7 toy\)"):
        catalog.find_lab_by_number(1, root=tmp_path)
    with pytest.raises(UnknownLabError, match=r"'7\.9' \(exercises: 7\.1, 7\.2\)"):
        catalog.lab_of_exercise("7.9", root=tmp_path)
    with pytest.raises(UnknownLabError, match="labs: none"):
        catalog.find_lab("toy", root=tmp_path / "toy" / "nothing")


@pytest.mark.parametrize("text", [LAB, LAB.replace("7", "9")])
def test_labs_share_neither_number_nor_name(tmp_path, text):
    make_lab(tmp_path)
    make_lab(tmp_path / "seminar", "toy" if text != LAB else "other", text)
    with pytest.raises(LabFormatError, match="are both lab"):
        catalog.find_labs(tmp_path)
