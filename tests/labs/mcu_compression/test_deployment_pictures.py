"""Bars of instructions: the rows that are drawn, the rest put together."""

from course_utils import plots
from labs.mcu_compression import deployment_pictures


def test_bars_are_ordered_and_shares_add_up() -> None:
    _, axes = plots.new_figure(wide=True)
    rows = deployment_pictures.counts(axes, {"a": 10, "b": 70, "c": 20}, title="t")
    assert [row["name"] for row in rows] == ["b", "c", "a"]
    assert [row["share"] for row in rows] == [0.7, 0.2, 0.1]
    assert axes.get_xlabel() == "instructions [millions]"


def test_what_is_small_becomes_one_bar() -> None:
    _, axes = plots.new_figure(wide=True)
    rows = deployment_pictures.counts(axes, {str(n): n for n in range(1, 13)}, title="t")
    assert len(rows) == deployment_pictures.MOST
    assert rows[-1] == {"name": "others", "instructions": 15, "share": 15 / 78}
