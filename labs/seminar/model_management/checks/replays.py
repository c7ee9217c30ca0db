"""The open checks of exercise 5.5, and the training that a replay repeats."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check, raises
from labs.engine.student import Student, callback
from labs.seminar.model_management.checks.common import sha256


class Trainer:
    """A training whose every step depends on all before it; in whole numbers, so it is exact.

    Parameters
    ----------
    record
        As the exercise describes it, without its hash.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        rng = np.random.default_rng(record["seed"])
        orders = [rng.permutation(record["examples"]) for _ in range(99)]
        first, size = record["first_epoch"], record["batch"]
        self.batches = [
            order[start : start + size].tolist()
            for order in orders[first : first + record["epochs"]]
            for start in range(0, record["examples"], size)
        ]
        self.seen: list[list[int]] = []
        state = record["state"]
        for batch in self.batches:
            state = self._next(state, batch)
        self.state = state
        self.record = record | {"hash": self.fingerprint(state)}

    @staticmethod
    def fingerprint(state: dict[str, Any]) -> str:
        """Return the hash of a state.

        Parameters
        ----------
        state
            With weights and momentum.
        """
        return sha256(b"".join(np.asarray(state[k]).tobytes() for k in ("weights", "momentum")))

    @staticmethod
    def _next(state: dict[str, Any], batch: Sequence[int]) -> dict[str, Any]:
        gradient = sum((place + 1) * (index + 1) for place, index in enumerate(batch))
        momentum = (3 * np.asarray(state["momentum"]) + gradient) % 1_000_003
        return {"weights": (np.asarray(state["weights"]) + momentum) % 1_000_003,
                "momentum": momentum}  # fmt: skip

    def step(self, state: Any, indices: Any) -> dict[str, Any]:
        """Return the next state, and note what it was made from.

        Parameters
        ----------
        state, indices
            As the student gave them.
        """
        batch = [int(index) for index in np.asarray(indices).ravel()]
        self.seen.append(batch)
        return self._next(state, batch)


def watch_replay(student: Student, record: dict[str, Any]) -> Trainer:
    """Let a student replay a record, and compare batches and result with the original's.

    Parameters
    ----------
    student
        Whose function.
    record
        Without its hash.
    """
    trainer = Trainer(record)
    message = ""
    got = None
    try:
        step, fingerprint = callback(trainer.step), callback(trainer.fingerprint)
        got = student.replay(trainer.record, step, fingerprint)
    except Exception as err:
        if not trainer.seen:
            raise
        message = str(err)
    for number, (mine, right) in enumerate(zip(trainer.seen, trainer.batches, strict=False)):
        assert mine == right, (
            f"step {number} trained on the examples {mine}, the original on {right}"
        )
    steps = f"{len(trainer.batches)} steps, the replay made {len(trainer.seen)}"
    assert len(trainer.seen) == len(trainer.batches), f"the original made {steps}"
    assert not message, f"the batches are right, but {message}"
    assert isinstance(got, dict), f"return the state, you have {evidence.brief(got)}"
    assert trainer.fingerprint(got) == trainer.record["hash"], (
        "the batches are right and the state is not: each step gets what the one before returned"
    )
    return trainer


def record_of(seed: int, rng: np.random.Generator, **fields: int) -> dict[str, Any]:
    """Return a record without its hash.

    Parameters
    ----------
    seed
        Of the order.
    rng
        Draws the state.
    fields
        Examples, batch, first_epoch and epochs.
    """
    state = {name: rng.integers(0, 1_000_003, 4) for name in ("weights", "momentum")}
    return {"state": state, "seed": seed, **fields}


@check(
    "5.5",
    sentence="A batch holds the next `batch` indices of the order; the last one of an epoch may "
    "hold fewer.",
)
def four_examples(student: Student, rng: np.random.Generator) -> None:
    """Replay two epochs of four examples in batches of three."""
    record = record_of(1, rng, examples=4, batch=3, first_epoch=0, epochs=2)
    trainer = watch_replay(student, record)
    evidence.table([{"step": i, "examples": str(batch)} for i, batch in enumerate(trainer.seen)])


@check(
    "5.5",
    sentence='If the fingerprint of the result is not `record["hash"]`, it raises a ValueError.',
)
def another_hash(student: Student, rng: np.random.Generator) -> None:
    """Give a record whose hash belongs to another model."""
    trainer = Trainer(record_of(2, rng, examples=4, batch=2, first_epoch=0, epochs=1))
    wrong = trainer.record | {"hash": sha256("another model")}
    with raises("ValueError"):
        student.replay(wrong, callback(trainer.step), callback(trainer.fingerprint))
