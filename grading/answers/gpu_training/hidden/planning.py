"""The hidden checks of exercise 2.12: recorded counts, other shapes, other machines."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.planning import (
    NAMES,
    as_named,
    expected_parts_s,
    judge_bytes,
    judge_held,
    judge_time,
)
from labs.gpu_training.counting import formulas
from labs.shared.transformer import SIZES, Size

ODD = Size(layers=2, width=36, heads=6, context=10)
# As torch on fake ranks counts them for `tiny`: bytes gathered, reduce-scattered, and held as
# parameters by rank 0. A test counts them anew.
RECORDED = {
    8: (841_984, 447_744, 55_968),
    64: (870_656, 476_416, 7_444),
    1024: (10_260_480, 5_525_504, 5_396),
}


def random_groups(rng: np.random.Generator) -> list[list[tuple[int, ...]]]:
    """Return groups of tensors with one to four dimensions and few, mostly odd, rows."""

    def shape() -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(1, 40, size=rng.integers(1, 5)))

    return [[shape() for _ in range(rng.integers(1, 5))] for _ in range(rng.integers(2, 6))]


@check("2.12", sentence="With `ddp` every gradient is all-reduced once and nothing else is sent.")
def transformers_with_ddp(student: Student, rng: np.random.Generator) -> None:
    for size in (SIZES["tiny"], ODD):
        for ranks in (8, 64, 1024):
            judge_bytes(student, "ddp", groups=formulas.groups(size), ranks=ranks)
    judge_bytes(student, "ddp", groups=random_groups(rng), ranks=12, element_bytes=2)


@check(
    "2.12",
    sentence="With `fsdp2` the rows of each tensor, its first dimension, are padded to a multiple "
    "of the ranks; padding is sent and held like the rest.",
    weight=1.5,
)
def more_ranks_than_rows(student: Student, rng: np.random.Generator) -> None:
    groups = formulas.groups(SIZES["tiny"])
    for ranks, (gathered, scattered, held) in RECORDED.items():
        judge_bytes(student, "fsdp2", groups=groups, ranks=ranks)
        judge_held(student, "fsdp2", groups=groups, ranks=ranks)
        have = as_named(student.collective_bytes("fsdp2", groups, ranks, 4), what="fsdp2")
        assert [have[name] for name in NAMES[1:]] == [gathered, scattered], (
            f"torch on {ranks} fake ranks gathers {gathered:,} B and scatters {scattered:,} B"
        )
        assert student.bytes_held("fsdp2", groups, ranks, 4) == 4 * held


@check(
    "2.12",
    sentence="With `fsdp2` the first group is gathered once a step and every other group twice; "
    "the gradients of every group are reduce-scattered once.",
    weight=1.5,
)
def groups_of_other_shapes(student: Student, rng: np.random.Generator) -> None:
    judge_bytes(student, "fsdp2", groups=[[(8, 3)], [(16,), (8, 2, 2)], [(24, 1)]], ranks=8)
    for element_bytes in (2, 4, 8):
        ranks = int(rng.integers(3, 30))
        judge_bytes(
            student, "fsdp2", groups=random_groups(rng), ranks=ranks, element_bytes=element_bytes
        )


@check("2.12", sentence="All three names are in the answer, with 0 for what is not used.")
def all_three_names(student: Student, rng: np.random.Generator) -> None:
    for strategy in ("ddp", "fsdp2"):
        groups = random_groups(rng)[:1]
        as_named(student.collective_bytes(strategy, groups, 4, 4), what=strategy)
        judge_bytes(student, strategy, groups=groups, ranks=4)


@check(
    "2.12",
    sentence="A rank holds four copies of its part of the weights: weights, gradients, and the two "
    "moments of AdamW.",
)
def held_by_many(student: Student, rng: np.random.Generator) -> None:
    for strategy in ("ddp", "fsdp2"):
        judge_held(student, strategy, groups=formulas.groups(ODD), ranks=1024)
        groups, ranks = random_groups(rng), int(rng.integers(3, 30))
        judge_held(student, strategy, groups=groups, ranks=ranks, element_bytes=2)


@check("2.12", sentence="Computing takes 6 FLOP for each parameter and each token.", weight=0.5)
def one_rank_sends_nothing(student: Student, rng: np.random.Generator) -> None:
    machine = {"flop_per_s": 2e14, "alpha_s": 1e-5, "bytes_per_s": 5e10}
    parameters = int(rng.integers(10**6, 10**9))
    for collectives in ({}, {"all_reduce": (3, 4 * parameters)}):
        job = {"parameters": parameters, "tokens": 1024, "collectives": collectives, "ranks": 1}
        judge_time(student, job, machine=machine, is_overlapped=False)


@check(
    "2.12",
    sentence="On N ranks a call sends N - 1 messages one after the other, an all-reduce 2 (N - 1); "
    "each costs `alpha_s`, and carries 1/N of the call's payload.",
)
def many_ranks_on_a_slow_link(student: Student, rng: np.random.Generator) -> None:
    machine = {"flop_per_s": 3e14, "alpha_s": float(rng.uniform(2e-6, 2e-5)), "bytes_per_s": 4e10}
    for ranks in (2, 64, 1024):
        payload = int(rng.integers(10**8, 10**10))
        sent = {"all_gather": (25, 2 * payload), "reduce_scatter": (13, payload)}
        for collectives in ({"all_reduce": (13, payload)}, sent, sent | {"all_reduce": (4, 999)}):
            job = {"parameters": 10**8, "tokens": 4096, "collectives": collectives, "ranks": ranks}
            judge_time(student, job, machine=machine, is_overlapped=False)


@check(
    "2.12",
    sentence="With `is_overlapped` the step takes the longer of computing and sending, otherwise "
    "their sum.",
)
def both_may_be_longer(student: Student, rng: np.random.Generator) -> None:
    job = {"parameters": 10**8, "collectives": {"all_reduce": (7, 4 * 10**8)}, "ranks": 64}
    machine = {"flop_per_s": 2e14, "alpha_s": 1e-5, "bytes_per_s": 5e10}
    longer = set()
    for tokens in (64, 65_536):
        compute_s, sending_s = expected_parts_s(job | {"tokens": tokens}, machine)
        longer.add(compute_s > sending_s)
        for is_overlapped in (True, False):
            judge_time(
                student, job | {"tokens": tokens}, machine=machine, is_overlapped=is_overlapped
            )
    assert len(longer) == 2, "this case must see both"
