"""ACT against what running ACT 2.0 (facebookresearch/ACT at abc9fbb) gave, digit by digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.seminar.carbon_footprint import act, server, tables

# g/cm2 of good die: gases 97 % abated, a fab in Taiwan at 583 g/kWh, a yield of 0.875.
ACT_G_PER_CM2 = {
    28: 1328.2,
    20: 1542.4,
    14: 1556.7,
    10: 1777.1,
    8: 1807.0,
    7: 2318.2,
    5: 2778.0,
    3: 3162.6,
}
# Published with one decimal: half of its last digit, and rounding in floating point.
HALF_A_DIGIT = 0.05 + 1e-6


@pytest.mark.parametrize(("node", "want_g"), ACT_G_PER_CM2.items())
def test_carbon_per_area_of_every_process(node: int, want_g: float) -> None:
    got_g = act.carbon_per_area_g(tables.PROCESSES[node])
    assert got_g == pytest.approx(want_g, abs=HALF_A_DIGIT)


def test_a_die_of_826_mm2_in_7_nm_with_a_package() -> None:
    got_g = act.logic_carbon_g(826, tables.PROCESSES[7], packages=1)
    assert got_g == pytest.approx(19_298.6, abs=HALF_A_DIGIT)


@pytest.mark.parametrize(
    ("capacity_gb", "g_per_gb", "want_g"),
    [
        (64, tables.DRAM_G_PER_GB["ddr4_10"], 4754.3),
        (1000, tables.SSD_G_PER_GB["nand_10"], 11_428.6),
    ],
)
def test_memory_and_flash(capacity_gb: float, g_per_gb: float, want_g: float) -> None:
    assert act.memory_carbon_g(capacity_gb, g_per_gb) == pytest.approx(want_g, abs=HALF_A_DIGIT)


def test_the_bill_of_a_dell_r740() -> None:
    bill = act.bill_carbon_g(server.parts(), memory_yield=True)
    assert sum(bill.values()) == pytest.approx(1_523_137.7, abs=HALF_A_DIGIT)


def test_the_formula_of_the_readme_is_that_of_the_code_times_the_yield_for_memory() -> None:
    code = act.bill_carbon_g(server.parts(), memory_yield=True)
    readme = act.bill_carbon_g(server.parts(), memory_yield=False)
    assert readme == pytest.approx(
        {**code, "flash": 0.875 * code["flash"], "DRAM": 0.875 * code["DRAM"]}
    )


@given(
    area_mm2=st.floats(1, 1000),
    packages=st.integers(0, 50),
    fab_yield=st.floats(0.1, 1),
    abatement=st.sampled_from(act.ABATEMENTS),
)
def test_dies_are_worth_their_area_and_better_abatement_never_costs(
    area_mm2: float, packages: int, fab_yield: float, abatement: int
) -> None:
    process = tables.PROCESSES[7]
    fab = {"abatement": abatement, "fab_yield": fab_yield}
    one_g = act.logic_carbon_g(area_mm2, process, packages=packages, **fab)
    two_g = act.logic_carbon_g(2 * area_mm2, process, packages=2 * packages, **fab)
    assert two_g == pytest.approx(2 * one_g, rel=1e-12)
    least_g = act.logic_carbon_g(
        area_mm2, process, packages=packages, abatement=99, fab_yield=fab_yield
    )
    assert least_g <= one_g


def test_what_is_out_of_range_is_named() -> None:
    with pytest.raises(ValueError, match="abatement is 96; give one of"):
        act.gas_g_per_cm2(tables.PROCESSES[7], 96)
    with pytest.raises(ValueError, match=r"fab_yield is 1\.5; give a share above 0"):
        act.carbon_per_area_g(tables.PROCESSES[7], fab_yield=1.5)
