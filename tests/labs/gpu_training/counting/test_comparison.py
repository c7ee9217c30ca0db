"""Rows that compare a formula with counts, and fake with real ranks."""

from dataclasses import replace

from labs.gpu_training.counting import comparison, formulas
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.given import planning
from labs.shared.transformer import SIZES

JOBS = [Job(s, SIZES["tiny"], 64) for s in ("ddp", "fsdp2")]
FOUND = [formulas.counted(job) for job in JOBS]


def rows_of(collective_bytes):
    return comparison.formula_rows(
        JOBS, FOUND, collective_bytes=collective_bytes, bytes_held=planning.bytes_held
    )


def test_the_given_formula_equals_every_count():
    rows = rows_of(planning.collective_bytes)
    assert comparison.summary(rows) == "5 of 5 equal, to the byte"


def test_a_formula_without_padding_is_shown_to_differ():
    rows = rows_of(
        lambda strategy, groups, _, size: planning.collective_bytes(strategy, groups, 1, size)
    )
    assert [row["what"] for row in rows if row["equal"] == "NO"] == ["all-gather", "reduce-scatter"]


def test_real_ranks_that_call_once_more_are_shown():
    more = replace(FOUND[0], collectives={"all_reduce": (4, 444_160), "broadcast": (1, 4)})
    rows = comparison.real_rows(JOBS[:1], fake=FOUND[:1], real=[more])
    assert [(row["what"], row["fake"], row["real"]) for row in rows if row["equal"] == "NO"] == [
        ("all-reduce calls", 3, 4),
        ("broadcast calls", 0, 1),
        ("broadcast [B]", 0, 4),
    ]
