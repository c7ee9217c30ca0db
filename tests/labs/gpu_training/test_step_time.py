"""The model of a step: by hand, at its limits, and beside the formula of the exercise."""

import pytest

from labs.gpu_training import step_time
from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.given import planning
from labs.shared.transformer import SIZES

LARGE = SIZES["large"]


def test_an_all_reduce_is_a_reduce_scatter_and_an_all_gather():
    link = step_time.Link(1e-5, 1e9)
    both = {"reduce_scatter": (3, 10**6), "all_gather": (3, 10**6)}
    assert step_time.sending_s({"all_reduce": (3, 10**6)}, ranks=7, link=link) == pytest.approx(
        step_time.sending_s(both, ranks=7, link=link), rel=1e-12
    )


def test_one_rank_only_computes():
    job, machine = Job("ddp", LARGE, 1), step_time.MACHINES["middle"]
    compute_s = formulas.flops(job) / machine.flop_per_s
    assert step_time.step_s(job, machine, is_overlapped=False) == compute_s


def test_overlap_hides_the_shorter_but_not_what_products_wait_for():
    machine = step_time.MACHINES["middle"]
    for job in (Job("fsdp2", LARGE, 64), Job("fsdp2_tensor", LARGE, 64, tensor=4)):
        apart, over = (step_time.step_s(job, machine, is_overlapped=x) for x in (False, True))
        assert apart / 2 <= over < apart
    assert over > formulas.flops(job) / machine.flop_per_s


def test_within_a_node_links_are_faster_on_every_machine():
    for machine in step_time.MACHINES.values():
        assert machine.link(8).bytes_per_s > machine.link(9).bytes_per_s
        assert machine.link(8).alpha_s < machine.link(9).alpha_s


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
@pytest.mark.parametrize("ranks", [8, 1024])
def test_the_interval_goes_from_the_hopeful_to_the_careful_machine(strategy, ranks):
    result = step_time.step_ms(Job(strategy, LARGE, ranks, batch=8))
    assert result.kind == "modelled"
    assert result.low < result.value < result.high


def test_the_formula_of_the_exercise_differs_by_attention_and_embeddings_alone():
    job = Job("ddp", LARGE, 8, batch=8)
    ours, theirs = step_time.step_ms(job), step_time.formula_ms(job, planning.step_time_s)
    parameters = sum(formulas.elements(group) for group in formulas.groups(LARGE))
    tokens = job.batch * LARGE.context
    share = 6 * parameters * tokens / formulas.flops(job)
    assert theirs.low / ours.low == pytest.approx(share, rel=1e-9)  # computing hides all sending
