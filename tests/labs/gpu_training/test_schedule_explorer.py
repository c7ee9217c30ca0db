"""What the Gantt chart draws, what its text says, and the sliders below it."""

from types import SimpleNamespace

import pytest

from course_utils import plots
from labs.gpu_training import schedule_pictures, schedules
from labs.gpu_training.given import splitting
from labs.gpu_training.schedule_explorer import ScheduleExplorer

MAKERS = {"GPipe": splitting.gpipe, "1F1B": splitting.one_forward_one_backward}
EQUAL = {"last_stage": 1.0, "send": 0.0}


def _legend(axes):
    legend = axes.get_legend()
    return zip(legend.get_texts(), legend.get_patches(), strict=True)


def test_every_bar_is_drawn_where_the_timeline_has_it():
    timeline = schedules.simulate(splitting.gpipe(3, 4))
    _, axes = plots.new_figure(wide=True)
    rows = schedule_pictures.gantt(axes, timeline, title="t", x_label="time [1]")
    bars = [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches if p.get_width()]
    assert bars == [(row["start"], row["end"]) for row in rows]
    assert len(rows) == 2 * 3 * 4
    assert [text.get_text() for text in axes.texts[:4]] == ["0", "1", "2", "3"]
    assert axes.get_xlim() == (0, timeline.makespan)
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    assert ticks == ["stage 0", "stage 1", "stage 2"]
    assert axes.get_ylim() == (2.5, -0.5)  # the first stage on top
    hatches = {text.get_text(): patch.get_hatch() for text, patch in _legend(axes)}
    assert hatches == {"forward": None, "backward": "////"}


def test_numbers_stay_out_of_bars_that_are_too_narrow():
    timeline = schedules.simulate(splitting.gpipe(2, 60))
    _, axes = plots.new_figure(wide=True)
    schedule_pictures.gantt(axes, timeline, title="t", x_label="time [1]")
    assert not axes.texts


def test_the_text_tells_order_idle_share_and_what_is_kept():
    timeline = schedules.simulate(splitting.one_forward_one_backward(2, 3))
    told = schedule_pictures.gantt_alt(timeline)
    assert "25.0% of their time idle, at most 2, 1 micro-batches kept" in told
    assert "stage 0: F0 F1 B0 F2 B1 B2; stage 1: F0 B0 F1 B1 F2 B2." in told


@pytest.mark.parametrize(("name", "kept"), [("GPipe", 32), ("1F1B", 10)])
def test_the_title_says_what_a_schedule_costs(name, kept):
    picture = ScheduleExplorer(MAKERS).picture(4, 8, schedule=name, **EQUAL)
    assert f"{name}: 27% idle, {kept} micro-batches kept" in picture.alt
    assert "would be idle for 27.3%" in picture.alt


def test_one_alone_is_singular():
    picture = ScheduleExplorer(MAKERS).picture(1, 1, schedule="1F1B", **EQUAL)
    assert "0% idle, 1 micro-batch kept" in picture.alt
    assert "Gantt chart of 1 stage, " in picture.alt


def test_a_slow_last_stage_and_late_results_cost_time():
    explorer = ScheduleExplorer(MAKERS)
    idle = [
        explorer.timeline(4, 8, schedule="1F1B", last_stage=last, send=send).bubble_share
        for last, send in ((1.0, 0.0), (2.0, 0.0), (2.0, 1.0))
    ]
    assert idle == sorted(idle)
    assert len(set(idle)) == 3


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="schedule is 'zero'; give one of GPipe, 1F1B"):
        ScheduleExplorer(MAKERS, schedule="zero")


@pytest.mark.parametrize("is_interactive", [False, True])
def test_sliders_appear_where_a_front_end_answers(is_interactive, monkeypatch):
    shown = []
    monkeypatch.setattr("course_utils.widgets.is_interactive", lambda: is_interactive)
    updates = SimpleNamespace(update=shown.append)
    monkeypatch.setattr("IPython.display.display", lambda each, **_: shown.append(each) or updates)
    ScheduleExplorer(MAKERS, stages=2, micro_batches=2)._ipython_display_()
    assert isinstance(shown[0], plots.Picture)
    assert len(shown) == 1 + is_interactive
    if is_interactive:
        stages = next(s for s in shown[1].children if s.description == "stages")
        stages.value = 3
        assert "Gantt chart of 3 stages" in shown[-1].alt
