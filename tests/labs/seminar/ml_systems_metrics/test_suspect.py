"""The suspicious run: each fault leaves the evidence that its detector finds, and no other."""

import numpy as np
import pytest
import torch

from labs.seminar.ml_systems_metrics import given, suspect


@pytest.fixture(scope="module")
def digits():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 700)
    centres = rng.random((10, 64))
    return centres[labels] * 0.6 + 0.4 * rng.random((700, 64)), labels


def verdicts(log: suspect.Log) -> tuple[int, str, bool]:
    return (
        len(given.leaked_rows(log.train, log.test)),
        given.step_fault(log.gradients, log.updates, log.learning_rate),
        given.depends_on_company(log.predict, log.test[:10]),
    )


@pytest.mark.parametrize(
    ("faults", "want"),
    [
        ([], (0, "none", False)),
        (["leak"], (150, "none", False)),
        (["gradients"], (0, "accumulated", False)),
        (["mode"], (0, "none", True)),
        (["rate"], (0, "rate", False)),
        (["mode", "leak", "gradients"], (150, "accumulated", True)),
    ],
)
def test_each_fault_leaves_its_own_evidence(digits, faults, want):
    assert verdicts(suspect.run(digits, faults, epochs=4, seed=0)) == want


def test_a_run_repeats_and_leaves_the_global_state_alone(digits):
    before = torch.random.get_rng_state()
    one, two = (suspect.run(digits, ["mode"], epochs=4, seed=3) for _ in range(2))
    assert np.array_equal(one.losses, two.losses)
    assert one.accuracy == two.accuracy
    assert torch.equal(before, torch.random.get_rng_state())


def test_predicting_changes_nothing_in_the_model(digits):
    log = suspect.run(digits, [], epochs=4, seed=0)
    first = log.predict(log.test)
    assert np.array_equal(first, log.predict(log.test))
    assert log.predict(log.test[:1]).shape == (1, 10)


def test_an_unknown_fault_is_named(digits):
    with pytest.raises(ValueError, match="no fault 'luck'"):
        suspect.run(digits, ["luck"], epochs=1, seed=0)
