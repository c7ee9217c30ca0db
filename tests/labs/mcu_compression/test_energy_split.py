"""Where the energy goes: the parts by hand, how they move, and what the picture draws."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils import plots
from course_utils.records import Result
from labs.mcu_compression import energy_split, operations
from labs.mcu_compression.energy_split import REST, Work

OURS = Work(macs=2_656_768, instructions=5_677_175, accesses=2_500_000)
DEVICE = operations.DEVICE_INFERENCE_UJ
COUNTS = st.integers(1, 10**8)


def device(low, high):
    return Result((low + high) / 2, low, high, n=1, kind="modelled")


def test_the_parts_by_hand():
    """1 M instructions: 25 pJ each are 25 uJ at 45 nm, 50 in the middle, 100 at most.

    1 M accesses: 5 uJ at least, 50 x 4 = 200 at most, sqrt(5 x 50) x 2 = 31.6 in the middle.
    1 M products: 0.2 + 0.1 pJ each, so 0.3, 0.6 and 1.2 uJ. Rest of 1,000 uJ in the middle:
    1,000 - 2 x 70 - 31.6 - 0.6 = 827.8; at least 1,000 - 4 x 70 - 200 - 1.2 = 518.8.
    """
    million = Work(macs=10**6, instructions=10**6, accesses=10**6)
    parts = energy_split.split_uj(million, device(1000, 1000))
    fetch, access, arithmetic, rest = (
        parts[name]
        for name in ("fetching instructions", "loads and stores", energy_split.ARITHMETIC, REST)
    )
    assert (fetch.low, fetch.value, fetch.high) == pytest.approx((25, 50, 100))
    assert (access.low, access.value, access.high) == pytest.approx((5, 31.623, 200), rel=1e-4)
    assert (arithmetic.low, arithmetic.value, arithmetic.high) == pytest.approx((0.3, 0.6, 1.2))
    assert (rest.low, rest.value) == pytest.approx((518.8, 827.777), rel=1e-4)
    assert rest.high == pytest.approx(1000 - 70 - 5 - 0.3)


def test_arithmetic_is_what_section_1_bounds_from_below():
    """The low end is the table itself, which `operations` uses too."""
    part = energy_split.split_uj(OURS, DEVICE)[energy_split.ARITHMETIC]
    table = operations.modelled_uj(
        lambda multiply, add: OURS.macs * (multiply + add) / 1e6, *operations.INT8_MAC
    )
    assert part.low == pytest.approx(table.value)
    assert energy_split.share_percent(part, DEVICE).high < 0.1  # the other 99.9 %


@given(macs=COUNTS, instructions=COUNTS, accesses=COUNTS, low=st.floats(1e4, 1e6))
def test_parts_keep_their_order_and_add_up(macs, instructions, accesses, low):
    assume(accesses <= 16 * instructions)
    work = Work(macs, instructions, accesses)
    whole = device(low, 2 * low)
    parts = energy_split.split_uj(work, whole)
    assert all(0 <= part.low <= part.value <= part.high for part in parts.values())
    modelled = [part for name, part in parts.items() if name != REST]
    assert parts[REST].high + sum(part.low for part in modelled) == pytest.approx(whole.high)
    total = parts[REST].value + sum(part.value for part in modelled)
    assert total >= whole.value * (1 - 1e-12)


@given(more=COUNTS)
def test_more_instructions_leave_less_unexplained(more):
    whole = device(1e6, 1e6)
    fewer = energy_split.split_uj(OURS, whole)[REST]
    longer = Work(OURS.macs, OURS.instructions + more, OURS.accesses)
    rest = energy_split.split_uj(longer, whole)[REST]
    assert (rest.low, rest.value, rest.high) <= (fewer.low, fewer.value, fewer.high)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="macs is -1; give a count, >= 0"):
        Work(-1, 1, 1)
    with pytest.raises(ValueError, match="17 loads and stores in 1 instructions; give both of"):
        Work(1, 1, 17)
    with pytest.raises(ValueError, match=r"the parts take at least .* uJ, the device 10 uJ"):
        energy_split.split_uj(OURS, device(5, 10))


@pytest.mark.parametrize("whole", [DEVICE, device(1000, 2300)], ids=["published", "modelled"])
def test_the_picture_draws_every_part(whole):
    figure, axes = plots.new_figure(wide=True)
    parts = energy_split.split_uj(OURS, whole)
    rows = energy_split.picture(axes, parts, device=whole, title="Little is arithmetic")
    assert [row["name"] for row in rows] == [energy_split.DEVICE, *parts]
    assert [row["energy_uj"] for row in rows] == [whole, *parts.values()]
    assert rows[0]["share_percent"].value == 100
    assert axes.get_xscale() == "log"
    assert axes.texts[0].get_text() == f"{whole.value:,.0f} uJ"
    hollow = [line.get_markerfacecolor() == "white" for line in axes.lines]
    assert hollow == [whole.kind == "assumed", *[False] * len(parts)]
    text = energy_split.alt(rows)
    assert all(name in text for name in parts)
    assert plots.show(figure, alt=text).alt == text
