"""The table of energies, and what follows from it for the network of the lab."""

import pytest

from labs.mcu_compression import operations
from labs.mcu_compression.given import arithmetic_energy_uj, relative_energy

DS_CNN = {"macs": 2_656_768, "params": 22_604}


def test_the_relative_column_by_hand():
    # 0.03 pJ is the unit; 21,333 = 640 / 0.03.
    by_hand = [1, 1.67, 3.33, 13.3, 30, 6.67, 103, 36.7, 123, 167, 21_333]
    got = relative_energy(operations.ENERGY_PJ, "int8 add")
    assert list(got) == list(operations.ENERGY_PJ)
    assert list(got.values()) == pytest.approx(by_hand, rel=5e-3)  # written with three digits


def test_the_bounds_of_one_inference_by_hand():
    bounds = operations.lower_bounds_uj(arithmetic_energy_uj, **DS_CNN)
    values = [result.value for result in bounds.values()]
    # 2,656,768 x 0.3 and x 4.6 pJ; 22,604 bytes are 5,651 words of 5 and 640 pJ.
    assert values == pytest.approx([0.7970304, 12.2211328, 0.028255, 3.61664])
    assert {result.kind for result in bounds.values()} == {"modelled"}


def test_the_device_is_no_result_of_ours_and_far_above_every_bound():
    device = operations.DEVICE_INFERENCE_UJ
    bounds = operations.lower_bounds_uj(arithmetic_energy_uj, **DS_CNN)
    assert device.kind == "assumed"
    assert device.value > 100 * sum(result.high for result in bounds.values())


@pytest.mark.parametrize(
    ("operation", "half"), [("int8 add", 0.005), ("float32 add", 0.05), ("32-bit read, DRAM", 0.5)]
)
def test_half_a_unit_of_the_last_digit(operation, half):
    assert operations.rounding_pj(operation) == pytest.approx(half)


def test_an_interval_holds_what_any_unrounded_entry_would_give():
    result = operations.modelled_uj(lambda multiply, add: multiply + add, *operations.INT8_MAC)
    for multiply in (0.151, 0.249):
        for add in (0.051, 0.149):
            assert result.low < multiply + add < result.high


def test_a_ratio_holds_the_ratios_of_the_ends():
    int8, float32 = (
        operations.modelled_uj(lambda multiply, add: multiply + add, *pair)
        for pair in (operations.INT8_MAC, operations.FLOAT32_MAC)
    )
    saving = operations.ratio(float32, int8)
    assert (saving.low, saving.high) == pytest.approx((4.5 / 0.4, 4.7 / 0.2))


@pytest.mark.parametrize(("size_bytes", "words"), [(0, 0), (1, 1), (4, 1), (5, 2)])
def test_a_word_that_is_partly_used_is_read_whole(size_bytes, words):
    assert operations.reading_uj(size_bytes, 1e6) == words


def test_an_unknown_operation_is_refused():
    with pytest.raises(ValueError, match="no operation 'int4 add' in the table; it has int8 add"):
        operations.modelled_uj(lambda pj: pj, "int4 add")
