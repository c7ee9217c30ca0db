"""What came of the strategies is added up and drawn as it was counted."""

import pytest

from course_utils import plots
from labs.gpu_training import sharding
from labs.gpu_training.sharding import Trained

HELD = {"weights": 400, "gradients": 400, "optimizer": 200}


def trained(**payload_bytes):
    return Trained(1e-7, [HELD, HELD | {"optimizer": 204}], payload_bytes)


def test_the_fullest_rank_counts():
    assert trained().fullest()["optimizer"] == 204


def test_an_all_reduce_sends_what_its_halves_send():
    """On 2 ranks half of the payload of each half travels: 2 * 400 / 2 bytes."""
    whole, halves = trained(all_reduce=400), trained(reduce_scatter=400, all_gather=400)
    assert whole.sent_bytes() == halves.sent_bytes() == 400
    assert whole.times_data_parallel(100) == halves.times_data_parallel(100) == 1.0


def test_a_second_gather_is_half_as_much_again():
    again = trained(reduce_scatter=400, all_gather=800)
    assert again.times_data_parallel(100) == 1.5


def test_nothing_is_sent_alone():
    assert Trained(0.0, [HELD], {"all_reduce": 400}).sent_bytes() == 0


def test_the_figure_has_a_bar_for_each_strategy_and_number():
    found = dict.fromkeys(sharding.NAMES, trained(all_gather=4))
    _, axes = plots.new_figure(wide=True)
    rows = sharding.draw_held(axes, HELD, trained=[found], title="A title")
    assert len(rows) == 3 * (1 + len(sharding.NAMES))
    assert {row["bar"] for row in rows} >= {"one process", "FSDP2, 2 ranks"}
    drawn = sum(row["value"].value for row in rows if row["bar"] == "FSDP2, 2 ranks")
    assert drawn == pytest.approx(1004 / 2**20)
