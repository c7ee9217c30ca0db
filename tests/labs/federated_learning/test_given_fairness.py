"""The stand-ins of exercise 3.9 pass its open checks, and odd answers are told in one line."""

import numpy as np
import pytest

from labs.engine.checks import load_checks, run_cases
from labs.federated_learning.given import fairness

CASES = load_checks("labs.federated_learning.checks.fairness")["3.9"]
NAMESPACE = {name: getattr(fairness, name) for name in fairness.__all__}


def outcome(**changed):
    return run_cases(CASES, NAMESPACE | changed)


def test_the_stand_ins_pass():
    assert [case.message for case in outcome().cases if not case.passed] == []
    assert outcome().status == "passed"


@pytest.mark.parametrize("name", sorted(NAMESPACE))
@pytest.mark.parametrize(
    "answer",
    [None, 3, "text", [], {}, (1,), [[1], [2, 3]], [None] * 3, np.zeros((2, 2)), float("nan")],
    ids=repr,
)
def test_an_answer_of_another_form_is_told_in_one_line(name, answer):
    failed = [case for case in outcome(**{name: lambda *_: answer}).cases if not case.passed]
    assert failed
    for case in failed:
        assert case.message
        assert "\n" not in case.message
        assert "Traceback" not in case.message


@pytest.mark.parametrize("q", [0, 0.5, 3, 1000])
def test_shares_agree_with_fifty_digits(q):
    from labs.federated_learning.checks.fairness import wanted_shares

    rng = np.random.default_rng(1)
    losses, sizes = rng.uniform(0.9, 1, 8), rng.integers(1, 99, 8)
    got = fairness.reweighted(losses, sizes, q)
    np.testing.assert_allclose(got, wanted_shares(losses, sizes, q=q), atol=1e-10)
