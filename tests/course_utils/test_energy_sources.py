"""Sources of energy: fake counters with known joules, and the reasons that those give that fail."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.energy import sources
from course_utils.energy.sources import Counter
from course_utils.errors import MeasurementError

RANGE_UJ = 262_143_328_850  # of a real Intel package: (2**32 - 1) * 61.03515625


def add_zone(root: Path, zone: str, name: str, energy_uj: int, range_uj: int = RANGE_UJ) -> Path:
    folder = root / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    return folder


def set_uj(root: Path, **joules: float) -> None:
    for zone in root.iterdir():
        name = (zone / "name").read_text().strip().replace("-", "_")
        if name in joules:
            (zone / "energy_uj").write_text(f"{round(joules[name] * 1e6)}\n")


# RAPL


def test_rapl_adds_package_and_dram_and_nothing_nested(tmp_path):
    add_zone(tmp_path, "intel-rapl:0", "package-0", 5)
    add_zone(tmp_path, "intel-rapl:0:0", "core", 5)
    add_zone(tmp_path, "intel-rapl:0:1", "uncore", 5)
    add_zone(tmp_path, "intel-rapl:0:2", "dram", 5)
    add_zone(tmp_path, "intel-rapl:1", "psys", 5)
    add_zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5)
    with sources.rapl(tmp_path) as counter:
        for zone in tmp_path.iterdir():
            (zone / "energy_uj").write_text("5")
        set_uj(tmp_path, package_0=10.000005, core=6, uncore=1, dram=2.000005, psys=20)
        assert counter.read_j() == pytest.approx(12.0, abs=1e-9)
        assert counter.read_j() == pytest.approx(12.0, abs=1e-9)  # nothing more since


def test_rapl_adds_sockets_with_their_dram(tmp_path):
    for i in range(2):
        add_zone(tmp_path, f"intel-rapl:{i}", f"package-{i}", 0)
        add_zone(tmp_path, f"intel-rapl:{i}:0", "core", 0)
        add_zone(tmp_path, f"intel-rapl:{i}:1", "dram", 0)
    with sources.rapl(tmp_path) as counter:
        for i, (package, dram) in enumerate([(3, 1), (4, 2)]):
            (tmp_path / f"intel-rapl:{i}" / "energy_uj").write_text(str(package * 10**6))
            (tmp_path / f"intel-rapl:{i}:0" / "energy_uj").write_text(str(package * 10**6))
            (tmp_path / f"intel-rapl:{i}:1" / "energy_uj").write_text(str(dram * 10**6))
        assert counter.read_j() == 10.0
        assert counter.max_power_w == 4 * 500.0


@given(
    start_uj=st.integers(0, 999),
    steps_uj=st.lists(st.integers(0, 999), max_size=20),
)
def test_rapl_counts_on_over_any_number_of_turns(tmp_path_factory, start_uj, steps_uj):
    """Oracle: a counter of 1000 uJ that turns round; the true sum is known."""
    root = tmp_path_factory.mktemp("powercap")
    zone = add_zone(root, "intel-rapl:0", "package-0", start_uj, range_uj=1000)
    true_uj = 0
    with sources.rapl(root) as counter:
        for step_uj in steps_uj:
            true_uj += step_uj
            (zone / "energy_uj").write_text(str((start_uj + true_uj) % 1000))
            assert counter.read_j() == pytest.approx(true_uj / 1e6)


def test_rapl_says_why_it_cannot(tmp_path, monkeypatch):
    with pytest.raises(MeasurementError, match="no counters in"), sources.rapl(tmp_path / "none"):
        pass
    zone = add_zone(tmp_path, "intel-rapl:0", "package-0", 5)
    (zone / "energy_uj").unlink()
    with pytest.raises(MeasurementError, match=r"energy_uj cannot be read \(No such file"):
        sources.rapl(tmp_path).__enter__()

    def refuse(self, encoding=None):
        if self.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return original(self, encoding=encoding)

    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", refuse)  # chmod does not stop root
    with pytest.raises(MeasurementError, match=r"Permission denied.*sudo chmod a\+r") as caught:
        sources.rapl(tmp_path).__enter__()
    assert "\n" not in str(caught.value)


# NVML


class FakeNvml:
    """Stands in for pynvml: a counter in mJ, and a switch for each way to fail."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        self.total_mj, self.fails, self.opened = 1000, "", 0

    def nvmlInit(self):
        if self.fails == "init":
            raise self.NVMLError("Driver Not Loaded")
        self.opened += 1

    def nvmlShutdown(self):
        self.opened -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if self.fails == "uuid":
            raise self.NVMLError("Not Found")
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        assert handle == "GPU-1"
        if self.fails == "counter":
            raise self.NVMLError("Not Supported")
        return self.total_mj


@pytest.fixture
def gpu(monkeypatch):
    """Pretend that pynvml and a GPU are here."""
    client = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", client)
    monkeypatch.setattr(sources, "_gpu_uuid", lambda device: "GPU-1")
    return client


def test_nvml_reads_the_counter_and_closes(gpu):
    with sources.nvml("cuda:1") as counter:
        gpu.total_mj += 2500
        assert counter.read_j() == 2.5
        assert gpu.opened == 1
    assert gpu.opened == 0


@pytest.mark.parametrize(
    ("fails", "reason"),
    [("init", "Driver Not Loaded"), ("uuid", "Not Found"), ("counter", "Not Supported")],
)
def test_nvml_without_driver_gpu_or_counter_is_not_available(gpu, fails, reason):
    gpu.fails = fails
    with pytest.raises(MeasurementError, match=f"cuda:1 \\({reason}\\)"):
        sources.nvml("cuda:1").__enter__()
    assert gpu.opened == 0


def test_nvml_without_pynvml_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(MeasurementError, match="pip install nvidia-ml-py"):
        sources.nvml("cuda").__enter__()


# Bounds


def bounds_j(counter, duration_s):
    reading = counter.read(duration_s)
    return reading.value, reading.low, reading.high


def test_a_counter_that_has_not_moved_is_not_taken_for_certain():
    counter = Counter("c", lambda: 0.0, 0.05, update_s=0.1, max_power_w=300.0)
    assert bounds_j(counter, 2.0) == (0.0, 0.0, 30.0)


def test_shorter_than_an_update_all_of_its_power_may_be_missing():
    """2 J in 10 ms: 5 %, and up to 1000 W * 0.1 s missing or from before, together 100.1 J."""
    counter = Counter("c", lambda: 2.0, 0.05, update_s=0.1, max_power_w=1000.0)
    assert bounds_j(counter, 0.01) == pytest.approx((2.0, 0.0, 102.1))


def test_the_bounds_of_a_long_block_come_from_its_own_power():
    """100 J in 10 s: 5 % and one update of 0.1 s at 10 W, together 6 J."""
    counter = Counter("c", lambda: 100.0, 0.05, "modelled", update_s=0.1, max_power_w=300.0)
    assert bounds_j(counter, 10.0) == pytest.approx((100.0, 94.0, 106.0))
    assert counter.read(10.0).kind == "modelled"


# powermetrics


SAMPLE = """
*** Sampled system activity (Mon Jan  1 00:00:00 2024 +0100) (500.00ms elapsed) ***
CPU Power: 900 mW
GPU Power: 100 mW
Combined Power (CPU + GPU + ANE): {} mW
"""


def fake_powermetrics(folder, *powers_mw: str) -> list[str]:
    """Return a command that writes its arguments to a file, and a sample for each power."""
    script = folder / "powermetrics.py"
    script.write_text(
        f"import sys, time\n"
        f"open({str(folder / 'seen')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
        f"print('Machine model: x', flush=True)\n"
        f"for power in {powers_mw}:\n"
        f"    print({SAMPLE!r}.format(power), flush=True)\n"
        f"    time.sleep(0.05)\n"
        f"while True:\n    print('***', flush=True)\n    time.sleep(0.05)\n"
    )
    return [sys.executable, str(script)]


def power_w(counter: Counter) -> float:
    """Return energy over time, both since the counter was opened (a moment before)."""
    begin_s = time.perf_counter()
    time.sleep(0.5)
    return counter.read_j() / (time.perf_counter() - begin_s)


def test_powermetrics_is_the_mean_of_the_samples_in_the_block(tmp_path):
    """1 W before the block, 2 W and 4 W in it: 3 W, within what a busy machine does to a sleep."""
    with sources.powermetrics(fake_powermetrics(tmp_path, "1000", "2000", "4000.0")) as counter:
        assert power_w(counter) == pytest.approx(3.0, rel=0.3)
        assert (counter.tier, counter.covers_gpu) == ("modelled", True)
    assert "--samplers cpu_power,gpu_power" in (tmp_path / "seen").read_text()


def test_powermetrics_begins_with_the_sample_before_the_block(tmp_path):
    with sources.powermetrics(fake_powermetrics(tmp_path, "1000")) as counter:
        assert power_w(counter) == pytest.approx(1.0, rel=0.3)


def test_powermetrics_that_writes_much_is_never_held_up(tmp_path):
    """200 samples of 2 W and 2 KB each: more than a pipe holds, and nobody asks in between."""
    script = tmp_path / "much.py"
    script.write_text(
        "import time\n"
        f"print({SAMPLE!r}.format(1000), flush=True)\n"
        "for _ in range(200):\n"
        f"    print('*' * 2000 + {SAMPLE!r}.format(2000), flush=True)\n"
        f"open({str(tmp_path / 'done')!r}, 'w').close()\n"
        "while True:\n    print('***', flush=True)\n    time.sleep(0.05)\n"
    )
    with sources.powermetrics([sys.executable, str(script)]) as counter:
        end_s = time.perf_counter() + 30
        while not (tmp_path / "done").exists() and time.perf_counter() < end_s:
            time.sleep(0.05)
        assert (tmp_path / "done").exists()
        assert power_w(counter) > 0


def test_powermetrics_that_wants_a_password_or_gives_no_power_is_not_available(tmp_path):
    with pytest.raises(MeasurementError, match="without a password"):
        sources.powermetrics(["false"]).__enter__()
    with pytest.raises(MeasurementError, match="gives no power"):
        sources.powermetrics(["sh", "-c", "yes"]).__enter__()


# Model


def test_the_model_is_core_power_times_cpu_time_plus_memory(monkeypatch):
    """4 W * 2 s + 0.3725 W/GB * (1 + 3) / 2 GB * 10 s = 8 + 7.45 J."""
    clocks = {"cpu_s": 1.0, "wall_s": 100.0, "resident_bytes": 1e9}
    memory = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=clocks["resident_bytes"]))
    monkeypatch.setattr(sources, "cpu_time_s", lambda: clocks["cpu_s"])
    monkeypatch.setattr(sources, "perf_counter", lambda: clocks["wall_s"])
    monkeypatch.setattr(sources.psutil, "Process", lambda: memory)
    with sources.model() as counter:
        clocks.update(cpu_s=3.0, wall_s=110.0, resident_bytes=3e9)
        assert bounds_j(counter, 10.0) == pytest.approx((15.45, 0.6 * 15.45, 1.4 * 15.45))
        assert counter.tier == "modelled"
    with sources.model(10.0, 0.0) as counter:
        clocks["cpu_s"] = 5.0
        assert counter.read_j() == pytest.approx(20.0)


def test_of_an_assumed_power_nothing_is_sure(monkeypatch):
    wall_s = iter([10.0, 12.0])
    monkeypatch.setattr(sources, "perf_counter", lambda: next(wall_s))
    with sources.assumed(150.0) as counter:
        assert bounds_j(counter, 2.0) == (300.0, 0.0, 600.0)
        assert counter.tier == "assumed"


# What is tried


def test_the_defaults_end_with_what_always_works(monkeypatch):
    def names(device):
        return [
            [getattr(source, "func", source).__name__ for source in candidates]
            for candidates in sources.default_sources(device)
        ]

    monkeypatch.setattr(sys, "platform", "linux")
    assert names("cpu") == [["rapl", "model"]]
    assert names("cuda:1") == [["rapl", "model"], ["nvml", "assumed"]]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert names("mps") == [["rapl", "powermetrics", "model"], ["nvml", "assumed"]]
