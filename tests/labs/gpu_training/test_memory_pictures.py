"""What the pictures of memory draw, and what the stack says and leaves in a notebook."""

import pytest

from course_utils import plots
from course_utils.records import counted
from labs.gpu_training import memory_explorer, memory_pictures
from labs.gpu_training.allocations import StepMemory
from labs.gpu_training.given import state_bytes
from labs.gpu_training.memory_explorer import MemoryStack
from labs.shared import sliders

STEP = StepMemory(
    weights_bytes=2_000_000,
    optimizer_bytes=4_000_000,
    forward_bytes=9_000_000,
    backward_bytes=8_000_000,
    peak_bytes=10_000_000,
    allocator_peak_bytes=None,
    trace=(6_000_000, 9_000_000, 10_000_000, 8_000_000, 8_000_000),
    ends=(2, 4),
)
SETTING = {"precision": "mixed", "optimizer": "adamw", "ranks": 8}


def test_a_step_over_its_operations():
    figure, axes = plots.new_figure(wide=True)
    title = "Most is alive in between"
    rows = memory_pictures.step_timeline(axes, STEP, account_bytes=9e6, title=title)
    assert [row["alive_bytes"] for row in rows] == list(STEP.trace)
    assert [text.get_text() for text in axes.texts] == ["forward", "backward", "update"]
    heights = {line.get_label(): line.get_ydata()[0] for line in axes.lines}
    assert heights["account of the peak"] == 9
    assert heights["weights, optimiser"] == 6
    assert axes.get_ylim()[0] == 0
    assert axes.get_title("left") == title
    assert plots.show(figure, alt="a step").png


def test_shares_against_pieces():
    figure, axes = plots.new_figure(wide=True)
    curves = {"memory": [(1, counted(0.2)), (4, counted(1.0))], "time": [(4, counted(1.0))]}
    rows = memory_pictures.against_pieces(axes, curves, y_label="share [1]", title="It falls")
    assert [(row["name"], row["size"], row["value"]) for row in rows] == [
        ("memory", 1, 0.2),
        ("memory", 4, 1.0),
        ("time", 4, 1.0),
    ]
    assert list(axes.get_xticks()) == [1, 4]
    assert axes.get_ylim()[0] == axes.get_xlim()[0] == 0
    assert plots.show(figure, alt="shares").png


def test_the_stack_of_each_stage():
    bars = MemoryStack(state_bytes).stacks("huge", 8, **SETTING)
    weights, optimizer, kept = ("weights", "optimizer", "activations")
    by_stage = [{part: each.value for part, each in bar.items()} for bar in bars.values()]
    assert [round(bar[weights] / by_stage[0][weights], 3) for bar in by_stage] == [1, 1, 1, 0.125]
    assert [round(bar[optimizer] / by_stage[0][weights], 3) for bar in by_stage] == [6, *[0.75] * 3]
    assert len({bar[kept] for bar in by_stage}) == 1  # no stage shares activations
    assert by_stage[0]["gradients"] == by_stage[0][weights]


@pytest.mark.parametrize(
    ("device_gb", "said"), [(141, "from stage 0 on"), (40, "from stage 1 on"), (16, "at no stage")]
)
def test_the_title_says_from_where_it_fits(device_gb, said):
    picture = MemoryStack(state_bytes).picture("huge", 8, **SETTING, device_gb=device_gb)
    assert f"fits into {device_gb} GB {said}" in picture.alt
    assert "3: + weights" in picture.alt


@pytest.mark.parametrize(
    ("size", "device_gb", "unit", "lines"), [("huge", 40, "GB", 1), ("tiny", 40, "MB", 0)]
)
def test_stacks_too_short_to_see_beside_the_device_are_drawn_alone(size, device_gb, unit, lines):
    explorer = MemoryStack(state_bytes)
    bars = explorer.stacks(size, 8, **SETTING)
    _, axes = plots.new_figure(wide=True)
    memory_explorer._draw(axes, bars, device_gb=device_gb, title="t")
    longest = sum(part.value for part in bars["0: nothing shared"].values())
    end = axes.get_xlim()[1] / (1000 if unit == "MB" else 1)
    assert end == pytest.approx(1.08 * (max(longest, device_gb) if lines else longest))
    assert f"memory of a rank [{unit}]" in axes.get_xlabel()
    assert len(axes.lines) == lines
    assert "optimiser" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_one_alone_is_singular():
    one = {**SETTING, "ranks": 1}
    picture = MemoryStack(state_bytes).picture("tiny", 1, **one, device_gb=16)
    assert picture.alt.startswith("tiny, 1 sequence a rank, mixed, adamw, 1 rank: fits into 16 GB")
    assert " MB" in picture.alt.partition("stage 0: ")[2]


def test_sliders_redraw_the_stack(monkeypatch):
    shown = []

    class Handle:
        def update(self, picture):
            shown.append(picture)

    def show(*what, **_):
        shown.extend(what)
        return Handle()

    monkeypatch.setattr(sliders.widgets, "is_interactive", lambda: True)
    monkeypatch.setattr("IPython.display.display", show)
    MemoryStack(state_bytes)._ipython_display_()
    _, box = shown
    names = ["size", "batch", "precision", "optimizer", "ranks", "device_gb"]
    assert [each.description for each in box.children] == names
    box.children[0].value = "tiny"
    assert shown[-1].alt.startswith("tiny, 8 sequences a rank, mixed, adamw, 8 ranks")


def test_without_a_front_end_the_picture_is_all(monkeypatch):
    shown = []
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr("IPython.display.display", lambda *what, **_: shown.extend(what))
    MemoryStack(state_bytes)._ipython_display_()
    assert [type(each) for each in shown] == [plots.Picture]
