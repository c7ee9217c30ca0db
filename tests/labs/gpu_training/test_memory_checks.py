"""The checks of memory: what stands in passes them, and what a wrong answer is told."""

import numpy as np
import pytest

from labs.engine.checks import load_checks, run_cases
from labs.gpu_training import given as stand_ins
from labs.gpu_training.checks import accumulation, memory, recomputation

CHECKS = {"2.3": memory, "2.4": accumulation, "2.6": recomputation}


@pytest.mark.parametrize("exercise", CHECKS)
def test_stand_ins_pass(exercise):
    outcome = run_cases(load_checks(CHECKS[exercise])[exercise], vars(stand_ins))
    assert outcome.status == "passed", [case.message for case in outcome.cases]
    assert any(case.shown for case in outcome.cases)


def messages(exercise, **functions):
    """Return what the open checks say of some functions of a student's."""
    outcome = run_cases(load_checks(CHECKS[exercise])[exercise], functions)
    return " ".join(case.message for case in outcome.cases)


@pytest.mark.parametrize("answer", [None, 3, {"weights": 4}, (1, 2), {"weights": []}, np.ones(3)])
def test_malformed_accounts(answer):
    said = messages("2.3", state_bytes=lambda *_, **__: answer, activation_bytes=lambda *_: answer)
    assert "a dict with weights, gradients and optimizer is asked for" in said
    assert "each storage once" in said


@pytest.mark.parametrize("answer", [None, 3, (1.0,), ([1.0], [np.ones(2)]), (1.0, 3), (1.0, [])])
def test_malformed_gradients(answer):
    def answers(gradient_of, batch, *, size):
        for first in range(0, len(batch[0]), size):
            gradient_of(*(part[first : first + size] for part in batch))
        return answer

    said = messages("2.4", accumulated_gradients=answers)
    words = (
        "a loss and a list of gradients are asked for",
        "gradients of the shapes",
        "form asked",
    )
    assert any(each in said for each in words)


@pytest.mark.parametrize("piece", [3, [1, 2], np.zeros(4), "text"])
def test_malformed_pieces(piece):
    said = messages("2.4", accumulated_gradients=lambda ask, batch, *, size: ask(piece, piece))
    assert "gradient_of takes arrays (sequences, tokens)" in said


@pytest.mark.parametrize("number", [1.5, "0", None, True, -1, 10**9])
def test_malformed_layers(number):
    said = messages("2.6", backward_in_segments=lambda *_, forward, **__: forward(number))
    assert "go by whole numbers" in said or "the layers are 0 to 8" in said
