"""The stand-ins of exercise 2.9 pass its open checks, and agree with our own arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.checks import load_checks, run_cases
from labs.gpu_training import sharded_state
from labs.gpu_training.given import sharding

CASES = load_checks("labs.gpu_training.checks.sharding")["2.9"]
NAMESPACE = {name: getattr(sharding, name) for name in sharding.__all__}


def outcome(**changed):
    return run_cases(CASES, NAMESPACE | changed)


def messages(**changed):
    return " ".join(case.message for case in outcome(**changed).cases)


def test_the_stand_ins_pass():
    assert messages() == "  "
    assert outcome().status == "passed"


@given(
    parameters=st.integers(1, 10**12),
    ranks=st.integers(1, 1024),
    stage=st.integers(0, 3),
    precision=st.sampled_from(["float32", "mixed"]),
)
def test_bytes_agree(parameters, ranks, stage, precision):
    asked = {"stage": stage, "precision": precision}
    got = sharding.bytes_per_rank(parameters, ranks, **asked)
    assert got == sharded_state.held_bytes(parameters, ranks, **asked)


def test_adamw_of_the_library_agrees_with_the_formula():
    rng = np.random.default_rng(5)
    weights, state = rng.normal(size=9).astype(np.float32), sharded_state.fresh_state(9)
    wanted, wanted_state = weights.astype(float), state
    for _ in range(4):
        gradient = rng.normal(size=9).astype(np.float32)
        weights, state = sharding.adamw_update(weights, gradient, state=state, learning_rate=0.01)
        wanted, wanted_state = sharded_state.adamw(
            wanted, gradient, state=wanted_state, learning_rate=0.01
        )
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, wanted, atol=1e-6)


@pytest.mark.parametrize(
    "answer",
    [None, 3, "text", [], {}, (1,), (None, None), ([1, 2, 3], {}), [[1], [2, 3]]],
    ids=repr,
)
def test_an_answer_of_another_form_is_told_in_one_line(answer):
    said = [
        outcome(**{name: lambda *a, **k: answer}).cases  # each function in turn
        for name in NAMESPACE
    ]
    for cases in said:
        failed = [case for case in cases if not case.passed]
        assert len(failed) == 1
        assert failed[0].message
        assert "\n" not in failed[0].message


def test_sending_more_than_asked_is_seen():
    def all_of_it(weights, gradient, *, place, update, reduce_scatter, all_gather):
        padded = np.pad(gradient, (0, 7 * place[1]))
        return reduce_scatter(padded)

    assert "6 are enough" in messages(zero1_step=all_of_it)


def test_a_callback_that_is_never_called_is_seen():
    def alone(weights, gradient, *, place, update, reduce_scatter, all_gather):
        return weights - gradient / 2

    assert "reduce_scatter is called once in a step; you called it 0 times" in messages(
        zero1_step=alone
    )
