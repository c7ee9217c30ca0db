"""The open checks of exercise 2.3: networks whose saved tensors are counted on paper."""

import numpy as np
import torch

from labs.engine import evidence
from labs.engine.checks import check, raises
from labs.engine.student import Ref, Student, ref

NETWORKS = "labs.gpu_training.small_networks"
NUMBER, BOOLEAN, CODE, DOUBLE = 4, 1, 8, 8  # bytes of a float32, a bool, an int64, a float64


def judge_states(
    student: Student, parameters: int, *, precision: str, optimizer: str, part: str, each: int
) -> None:
    """Assert the bytes of one part of the account: so many a parameter."""
    got = student.state_bytes(parameters, precision, optimizer=optimizer)
    parts = set(got) if isinstance(got, dict) else None
    assert parts == {"weights", "gradients", "optimizer"}, (
        f"a dict with weights, gradients and optimizer is asked for; you have {evidence.brief(got)}"
    )
    assert _is(got[part], each * parameters), (
        f"{part} of {parameters:,} parameters in {precision} with {optimizer}: {each} bytes each, "
        f"{each * parameters:,} together; you have {evidence.brief(got[part])}"
    )


def judge_activations(
    student: Student, model: Ref, *, x: torch.Tensor, want: int, why: str
) -> None:
    """Assert the bytes that a forward pass leaves behind."""
    got = student.activation_bytes(model, x)
    assert _is(got, want), f"{why}: {want:,} bytes; you have {evidence.brief(got)}"


def _is(got: object, want: int) -> bool:
    return isinstance(got, int | float) and got == want


def numbers(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    """Return random numbers, float32."""
    return torch.from_numpy(rng.normal(size=shape).astype(np.float32))


@check("2.3", sentence="In `float32` a parameter takes 4 bytes of weights and 4 of gradients.")
def ten_parameters(student: Student, rng: np.random.Generator) -> None:
    """Take ten parameters through every precision and optimiser."""
    ways = [(p, o) for p in ("float32", "mixed") for o in ("sgd", "momentum", "adamw")]
    found = {way: student.state_bytes(10, way[0], optimizer=way[1]) for way in ways}
    evidence.table(
        [{"precision": p, "optimiser": o} | _in_bytes(got) for (p, o), got in found.items()]
    )
    for part in ("weights", "gradients"):
        judge_states(student, 10, precision="float32", optimizer="sgd", part=part, each=4)


@check(
    "2.3",
    sentence="In `mixed` it takes 2 and 2, and the optimiser keeps a float32 copy of 4 bytes.",
)
def ten_in_mixed_precision(student: Student, rng: np.random.Generator) -> None:
    """Take ten parameters in mixed precision: 20, 20 and at least 40 bytes."""
    for part, each in (("weights", 2), ("gradients", 2), ("optimizer", 4)):
        judge_states(student, 10, precision="mixed", optimizer="sgd", part=part, each=each)


@check(
    "2.3",
    sentence="Beyond that `sgd` keeps nothing, `momentum` one and `adamw` two float32 numbers a "
    "parameter, in either precision.",
)
def ten_with_optimisers(student: Student, rng: np.random.Generator) -> None:
    """Take ten parameters with each optimiser."""
    for optimizer, each in (("sgd", 0), ("momentum", 4), ("adamw", 8)):
        judge_states(
            student, 10, precision="float32", optimizer=optimizer, part="optimizer", each=each
        )
    with raises("ValueError"):
        student.state_bytes(10, "float32", optimizer="magic")


@check(
    "2.3",
    sentence="Every storage counts once, with all its bytes, however many saved tensors look at "
    "it or at a part of it.",
    weight=2.0,
)
def three_networks(student: Student, rng: np.random.Generator) -> None:
    """Count what a chain, a tensor used twice and a tensor used in part leave behind."""
    x = numbers(rng, 4, 3)
    cases = [
        ("two layers", ref(f"{NETWORKS}:chain", widths=[3, 5, 2]), (4 * 3 + 4 * 5) * NUMBER),
        ("a result used twice", ref(f"{NETWORKS}:used_twice", width=3), 2 * 4 * 3 * NUMBER),
        ("a result used in part", ref(f"{NETWORKS}:used_in_part", width=3), 2 * 4 * 3 * NUMBER),
    ]
    got = [student.activation_bytes(model, x) for _, model, _ in cases]
    evidence.table(
        [
            {"network": name, "bytes": want, "yours": have}
            for (name, _, want), have in zip(cases, got, strict=True)
        ]
    )
    for name, model, want in cases:
        judge_activations(student, model, x=x, want=want, why=f"{name}, each storage once")


@check(
    "2.3",
    sentence="Parameters and buffers of the model, and views of them, do not count; the input "
    "counts if it is saved.",
)
def weights_at_both_ends(student: Student, rng: np.random.Generator) -> None:
    """Count codes (8 bytes each) and features of a network that uses its weights twice."""
    x = torch.from_numpy(rng.integers(0, 7, (2, 3)))
    model = ref(f"{NETWORKS}:tied", codes=7, width=5)
    want = 2 * 3 * CODE + 2 * 3 * 5 * NUMBER
    judge_activations(student, model, x=x, want=want, why="6 codes and their features, no weights")


@check("2.3", sentence="What no backward pass will ask for does not count.")
def first_layer_frozen(student: Student, rng: np.random.Generator) -> None:
    """Count a network whose first layer runs without gradients: one input is left."""
    model = ref(f"{NETWORKS}:half_frozen", width=3)
    want = 4 * 3 * NUMBER
    judge_activations(
        student, model, x=numbers(rng, 4, 3), want=want, why="the second layer's input alone"
    )


def _in_bytes(got: object) -> dict[str, object]:
    if isinstance(got, dict):
        return {f"{part} [B]": size_bytes for part, size_bytes in got.items()}
    return {"got": got}
