"""The data that a figure of devices draws."""

from course_utils import plots
from labs.federated_learning import system_pictures


def test_bars_end_with_the_round():
    figure, axes = plots.new_figure(wide=True)
    rows = system_pictures.gantt(
        axes, [30.0, 10.0, float("inf"), 40.0], kept=[1, 0], round_s=30.0, title="Two of four"
    )
    assert rows == [
        {"client": 1, "end_s": 10.0, "is_kept": True},
        {"client": 0, "end_s": 30.0, "is_kept": True},
        {"client": 3, "end_s": 30.0, "is_kept": False},
        {"client": 2, "end_s": 30.0, "is_kept": False},
    ]
    assert [bar.get_width() for bar in axes.patches] == [10, 30, 30, 30]
    assert axes.get_xlim()[0] == 0
    plots.show(figure, alt="Two of four clients are kept.")
