"""Checks: how cases are found, judged and explained."""

import types

import numpy as np
import pytest

from labs.engine import evidence
from labs.engine.catalog import check_files
from labs.engine.checks import assert_equal, check, judge, load_checks, raises, run_cases
from labs.engine.errors import LabFormatError


def module_with_cases() -> types.ModuleType:
    module = types.ModuleType("toy_checks")

    @check("7.1", sentence="It doubles.", weight=3)
    def doubles(student, rng):
        x = int(rng.integers(1, 100))
        evidence.table([{"x": x, "2x": 2 * x}])
        assert_equal(student.double(x), 2 * x, what=f"twice {x}")

    @check("7.1", sentence="It refuses texts.")
    def refuses(student, rng):
        with raises("TypeError"):
            student.double("a")

    @check("7.2", sentence="It is there.")
    def there(student, rng):
        assert student.there() == 1

    module.doubles, module.refuses, module.there = doubles, refuses, there
    return module


CASES = load_checks(module_with_cases())


def right(x):
    if isinstance(x, str):
        raise TypeError("a text")
    return 2 * x


@pytest.mark.parametrize(
    ("function", "status", "share"),
    [
        (right, "passed", 1.0),
        (lambda x: 2 * x, "partly", 0.75),
        (lambda x: right(x) + 1, "partly", 0.25),
        (lambda x: 3, "failed", 0.0),
        (lambda x: None, "failed", 0.0),
        (lambda: 1 / 0, "partly", 0.25),
    ],
    ids=["right", "no refusal", "wrong value", "constant", "nothing", "takes no argument"],
)
def test_share_is_the_weight_of_what_passes(function, status, share):
    outcome = run_cases(CASES["7.1"], {"double": function})
    assert (outcome.status, outcome.share) == (status, share)


def test_stub_and_missing_function_are_not_attempted():
    def stub(x):
        raise NotImplementedError

    for space in ({}, {"double": stub}):
        outcome = run_cases(CASES["7.1"], space)
        assert (outcome.status, outcome.share, outcome.cases) == ("not attempted", 0.0, ())


def test_messages_name_what_is_wrong():
    first, second = run_cases(CASES["7.1"], {"double": lambda x: 3}).cases
    assert "expected" in first.message
    assert "you have 3" in first.message
    assert second.message == "should raise TypeError, and raised nothing"
    assert first.calls[0].answer == "3"
    assert isinstance(first.shown[0], evidence.Table)


def test_an_assertion_without_message_quotes_itself(tmp_path):
    path = tmp_path / "checks.py"  # pytest rewrites the assertions of this file, not of that one
    path.write_text(
        "from labs.engine.checks import check\n"
        "@check('7.6', sentence='It is.')\ndef it_is(student, rng):\n    assert student.f() == 1\n"
    )
    (case,) = run_cases(load_checks(path)["7.6"], {"f": lambda: 0}).cases
    assert case.message == "does not hold: student.f() == 1"


def test_an_answer_of_the_wrong_form_fails_with_its_reason():
    @check("7.3", sentence="It is a pair.")
    def pair(student, rng):
        _first, _second = student.pair()

    outcome = run_cases(load_checks(_module(pair))["7.3"], {"pair": lambda: 1})
    assert "does not have the form" in outcome.cases[0].message


def _module(*functions):
    module = types.ModuleType("toy")
    for function in functions:
        setattr(module, function.__name__, function)
    return module


def test_same_seed_same_case_and_other_seed_other_case():
    seen = []

    @check("7.4", sentence="Numbers.")
    def draws(student, rng):
        seen.append(rng.integers(2**60))

    cases = load_checks(_module(draws))["7.4"]
    for seed in (lambda e, c: 1, lambda e, c: 1, lambda e, c: 2):
        run_cases(cases, {}, seed=seed)
    assert seen[0] == seen[1] != seen[2]


def test_an_exercise_without_checks_is_an_error_not_a_pass():
    with pytest.raises(LabFormatError, match="without any check"):
        judge((), lambda: None)


def test_checks_load_from_a_file_and_name_what_is_broken(tmp_path):
    path = tmp_path / "hidden.py"
    path.write_text(
        "from labs.engine.checks import check\n"
        "@check('7.5', sentence='It is.')\ndef it_is(student, rng):\n    assert student.f() == 1\n"
    )
    assert [case.name for case in load_checks(path)["7.5"]] == ["it_is"]
    path.write_text("1 / 0\n")
    with pytest.raises(LabFormatError, match="division"):
        load_checks(path)


def test_the_modules_of_a_package_hold_checks_too(tmp_path, monkeypatch):
    package = tmp_path / "toy_checks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("second", "first"):
        (package / f"{name}.py").write_text(
            "from labs.engine.checks import check\n"
            f"@check('7.5', sentence='It is.')\ndef {name}(student, rng):\n    pass\n"
        )
    (package / "third.py").write_text("from toy_checks.first import first\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [case.name for case in load_checks("toy_checks")["7.5"]] == ["first", "second"]
    files = check_files(tmp_path, "toy_checks")
    assert [path.name for path in files] == ["__init__.py", "first.py", "second.py", "third.py"]
    assert check_files(tmp_path, "none") == ()
    (tmp_path / "toy_checks.py").write_text("")
    with pytest.raises(LabFormatError, match="both exist"):
        check_files(tmp_path, "toy_checks")


@pytest.mark.parametrize("kwargs", [{"sentence": " "}, {"sentence": "x", "weight": 0}])
def test_a_check_needs_sentence_and_weight(kwargs):
    with pytest.raises(LabFormatError):
        check("7.1", **kwargs)


@pytest.mark.parametrize(
    ("got", "want", "relative", "equal"),
    [
        ([1, 2], (1, 2), 0, True),
        (np.array([1.0, 2.0]), [1, 2], 0, True),
        (2.0, 2, 0, True),
        (2.1, 2, 0.04, False),
        (2.1, 2, 0.06, True),
        (float("nan"), 2, 1.0, False),
        (None, 2, 0, False),
        ("2", 2, 0, False),
        ([1, [2]], [1, 2], 0, False),
        ([1, 2, 3], [1, 2], 0, False),
        ("a", "a", 0, True),
        (["a", "b"], ["a", "c"], 0, False),
        (True, 1, 0, True),
        ({}, {}, 0, True),
        ({"a": 1}, {"a": 2}, 0, False),
    ],
)
def test_assert_equal(got, want, relative, equal):
    if equal:
        assert_equal(got, want, what="it", relative=relative)
    else:
        with pytest.raises(AssertionError, match="it: expected"):
            assert_equal(got, want, what="it", relative=relative)


def test_raises_wants_this_error():
    outcome = run_cases(CASES["7.1"], {"double": lambda x: 2 * x if x != "a" else 1 / 0})
    assert "should raise TypeError, but double raised ZeroDivisionError" in outcome.cases[1].message
