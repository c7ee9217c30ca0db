"""The stand-ins of exercise 3.2 pass its open checks, and odd answers are told in one line."""

import numpy as np
import pytest

from labs.engine.checks import load_checks, run_cases
from labs.federated_learning.given import partitions

CASES = load_checks("labs.federated_learning.checks.partitions")["3.2"]
NAMESPACE = {name: getattr(partitions, name) for name in partitions.__all__}


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


def test_what_is_right_agrees_with_our_own_arithmetic():
    from labs.federated_learning import label_skew
    from labs.federated_learning import partitions as ours
    from labs.federated_learning.checks import partitions as checks

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 150)
    order, shares = rng.permutation(12), rng.dirichlet([0.4] * 9, size=7)
    for got, wanted in (
        (ours.deal_shards(labels, order, 3), checks.shard_parts(labels, order, per_client=3)),
        (ours.deal_by_shares(labels, shares), checks.share_parts(labels, shares)),
    ):
        assert [sorted(part.tolist()) for part in got] == wanted
        skew = float(checks.true_skew(labels, wanted))
        assert partitions.skew(labels, got) == pytest.approx(skew, abs=1e-12)
        assert label_skew.skew(labels, got) == pytest.approx(skew, abs=1e-12)


def test_a_tie_is_seen():
    from labs.federated_learning.checks.partitions import is_tied

    assert is_tied([1 / 3] * 3, 10)
    assert is_tied([0.5, 0.3, 0.2], 5)
    assert not is_tied([0.5, 0.3, 0.2], 4)
    assert not is_tied([0.5, 0.5], 4)
