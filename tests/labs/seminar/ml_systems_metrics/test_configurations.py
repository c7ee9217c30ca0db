"""The configuration space and the sheet made from it."""

import numpy as np
import pytest
import torch

from course_utils.records import Result, counted
from labs.seminar.ml_systems_metrics import configurations, sheet


def bars(count: int = 80) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures that a network must be able to tell apart: class c has row c lit."""
    labels = torch.arange(count) % 8
    images = torch.zeros(count, 1, 8, 8)
    images[torch.arange(count), 0, labels] = 1.0
    return images, labels


@pytest.fixture(scope="module")
def found():
    models = {w: configurations.trained(w, bars(), epochs=25, seed=0) for w in (2, 4)}
    settings = configurations.grid(
        threads=[1, 2], batches=[1, 16], dtypes=["float32", "bfloat16"], widths=[2, 4]
    )
    before = torch.get_num_threads()
    rng = np.random.default_rng(0)
    measured = configurations.explore(settings, models, digits=bars(), rounds=6, rng=rng)
    assert torch.get_num_threads() == before
    return measured


def test_every_combination_is_measured_once(found):
    assert len({m.setting for m in found}) == 16
    for m in found:
        accuracy, throughput, latency, size = m.quantities
        assert accuracy.low <= accuracy.value <= accuracy.high
        assert throughput.n == latency.n == 6
        # The middle two of six rounds: the median of reciprocals lies between their reciprocals.
        assert latency.low <= 1e3 * m.setting.batch / throughput.value <= latency.high
        assert size.kind == "counted"
        assert m.row()["setting"] == m.setting.name


def test_bfloat16_halves_the_bytes(found):
    size = {(m.setting.dtype, m.setting.width): m.size.value for m in found}
    for width in (2, 4):
        assert size["float32", width] == 2 * size["bfloat16", width]
    # width 2: 18 + 2, 4 * 2 * 9 + 4, 16 * 10 + 10 numbers of 4 bytes
    assert size["float32", 2] == 4 * (20 + 76 + 170)


def test_training_learns_bars_and_repeats_its_bits():
    one, two = (configurations.trained(4, bars(), epochs=25, seed=1) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert configurations.is_right(one, bars()).all()


def test_seeds_leave_the_global_state_alone():
    before = torch.random.get_rng_state()
    configurations.network(2, seed=5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_values_outside_the_space_are_named(found):
    with pytest.raises(ValueError, match="dtype is 'int8'"):
        configurations.grid(threads=[1], batches=[1], dtypes=["int8"], widths=[2])
    with pytest.raises(ValueError, match="rounds is 5"):
        configurations.explore([], {}, digits=bars(), rounds=5, rng=np.random.default_rng(0))
    setting = configurations.Setting(3, 1, "float32", 2)
    with pytest.raises(ValueError, match="3t b1 f32 w2 was not measured"):
        sheet.metrics_sheet(found, setting, energy_mj=counted(1.0))


def measured(dtype: str, latency_ms: float, *, threads: int = 1) -> configurations.Measured:
    setting = configurations.Setting(threads, 10, dtype, 2)
    throughput = 10_000 / latency_ms
    return configurations.Measured(
        setting, *(counted(x) for x in (0.9, throughput, latency_ms, 100.0))
    )


def test_the_sheet_by_hand():
    found = [
        measured("float32", 2.0),
        measured("bfloat16", 5.0),
        measured("float32", 1.25, threads=2),
        measured("bfloat16", 2.5, threads=2),
    ]
    energy = Result(30.0, 20.0, 40.0, n=5, kind="modelled")
    rows = {
        r["metric"]: r["value"]
        for r in sheet.metrics_sheet(found, found[0].setting, energy_mj=energy)
    }
    assert rows["energy"] == "3 mJ [2, 4]"  # a tenth of a batch of ten
    assert rows["scalability"] == "1.6"  # 8,000 over 5,000 a second
    # 5 ms is over twice 2 ms, 2.5 ms is exactly twice 1.25 ms.
    assert rows["flexibility"] == "75%"
    # 1e6 digits take 200 s at 0.04 an hour.
    assert float(rows["cost"]) == pytest.approx(0.04 / 3600 * 200, rel=0.01)
    assert len(rows) == 7
