"""What a plan holds and what the explorer leaves in a notebook."""

import pytest

from course_utils import plots
from labs.gpu_training import plan_explorer, plan_pictures, step_time
from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Job
from labs.shared.transformer import SIZES

EXPLORER = plan_explorer.PlanExplorer()


def test_a_plan_adds_up():
    job = Job("fsdp2", SIZES["large"], 64, batch=8)
    plan, counted = plan_explorer.plan(job), formulas.counted(job)
    held = counted.parameter_bytes + counted.gradient_bytes + counted.optimizer_bytes
    known = held + counted.activation_bytes
    assert plan.memory_bytes == known + plan.parts["gathered"].value
    assert plan.parts["gathered"].kind == "modelled"
    assert plan.step_ms == step_time.step_ms(job)
    tokens = 64 * 8 * 1024
    assert plan.tokens_per_s.value == pytest.approx(1000 * tokens / plan.step_ms.value)
    hours = 64 * plan_explorer.TOKENS / plan.tokens_per_s.value / 3600
    assert plan.gpu_hours.value == pytest.approx(hours)
    assert 0 < plan.efficiency.low <= plan.efficiency.high <= 1


def test_fsdp2_gathers_what_stands_outside_and_two_blocks():
    size = SIZES["tiny"]
    parts = plan_explorer.memory_parts(Job("fsdp2", size, 2))
    root, block = (formulas.elements(g, ranks=2) for g in formulas.groups(size)[:2])
    assert parts["gathered"].value == 4 * (root + 2 * block)
    assert "gathered" not in plan_explorer.memory_parts(Job("ddp", size, 2))


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("ranks", plan_explorer.RANKS)
def test_every_choice_of_the_sliders_has_a_plan(size, ranks):
    ddp, fsdp2, both = EXPLORER.plans(size, ranks, batch=1)
    assert both.job.replicas * both.job.batch == ddp.job.replicas * ddp.job.batch
    assert fsdp2.sent_bytes > ddp.sent_bytes


def test_the_picture_says_what_fits():
    picture = EXPLORER.picture("huge", 64, batch=8)
    assert picture.alt.startswith("huge, 64 ranks, 8 sequences each: fsdp2 holds least, ")
    assert "ddp fits 80 GB" in picture.alt
    assert "fsdp2 + tensor x 4 needs more than 80 GB" in picture.alt


def test_the_bars_are_the_plans_in_gb():
    plans = EXPLORER.plans("large", 64, batch=8)
    _, axes = plots.new_figure(wide=True)
    rows = plan_pictures.memory(axes, plans, title="t")
    assert sum(row["value"].value for row in rows) * 1e9 == pytest.approx(
        sum(plan.memory_bytes for plan in plans)
    )


@pytest.mark.parametrize(
    ("size", "batch", "unit", "limits", "named"),
    [
        ("tiny", 1, "MB", [], []),
        ("huge", 1, "GB", [16], ["16 GB"]),
        ("huge", 64, "GB", [16, 40, 80], ["80 GB"]),  # 16 and 40 GB would stand on each other
    ],
)
def test_the_picture_marks_the_memories_in_reach(size, batch, unit, limits, named):
    _, axes = plots.new_figure(wide=True)
    plan_pictures.memory(axes, EXPLORER.plans(size, 8, batch=batch), title="t")
    assert axes.get_xlabel() == f"memory of a rank, counted; gathered modelled [{unit}]"
    dashed = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert dashed == limits
    assert [text.get_text() for text in axes.texts] == named
    assert axes.get_xlim()[0] == 0


def test_shares_far_below_a_percent_are_told():
    picture = EXPLORER.picture("tiny", 8, batch=1)
    assert picture.alt.startswith("tiny, 8 ranks, 1 sequence each: fsdp2 holds least, ")
    assert "computing 0% to" not in picture.alt
    assert "computing 0." in picture.alt


def test_without_a_front_end_a_picture_is_left_and_no_slider(monkeypatch):
    from IPython import display

    shown = []
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(display, "display", lambda *what, **_: shown.extend(what))
    EXPLORER._ipython_display_()
    assert [type(each) for each in shown] == [plots.Picture]


def test_sliders_redraw_the_picture(monkeypatch):
    from IPython import display

    shown = []

    class Handle:
        def update(self, picture):
            shown.append(picture)

    def show(*what, **_):
        shown.extend(what)
        return Handle()

    monkeypatch.setattr(plan_explorer.widgets, "is_interactive", lambda: True)
    monkeypatch.setattr(display, "display", show)
    EXPLORER._ipython_display_()
    first, box = shown
    assert [slider.description for slider in box.children] == ["size", "ranks", "batch"]
    box.children[1].value = 1024
    assert "64 ranks" in first.alt
    assert "1,024 ranks" in shown[-1].alt
