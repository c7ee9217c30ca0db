"""The verbs of the Makefile and the gate that CI runs, without running the gate inside itself."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GATE = (
    "-m ruff check .",
    "-m ruff format --check .",
    "-m mypy",
    "bin/lint-imports",
    "bin/course build --check",
    "-m pytest",
)
VERBS = ("help", "demo", "lab", "test", "quick", "notebooks", "build", "clean")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell: without the variables of a make around the tests."""
    outside = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        ["make", *arguments],
        check=False,
        cwd=cwd,
        env={**outside, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def recipe(verb: str, *settings: str) -> str:
    """What a verb would run, with an environment that is not there yet."""
    return make("-n", verb, "VENV=elsewhere", *settings).stdout


def fake_python(folder: Path, *, is_old: bool) -> Path:
    """A Python that is too old, or one that lacks the modules to make an environment."""
    path = folder / "python-of-a-test"
    answer = "exit 1" if is_old else 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac'
    path.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_help_is_the_default_and_lists_every_verb() -> None:
    listing = make().stdout
    assert listing == make("help").stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony is not None
    assert set(VERBS) <= set(phony[1].split())
    for verb in phony[1].split():
        assert re.search(rf"^  make {verb} +\w", listing, re.MULTILINE), verb
    for setting in ("EXTRAS", "PYTHON", "PIP_ARGS", "JOBS"):
        assert f"{setting}=" in listing


def test_the_gate_holds_every_step_and_ends_with_the_tests() -> None:
    commands = recipe("test")
    places = [commands.find(step) for step in GATE]
    assert -1 not in places, dict(zip(GATE, places, strict=True))
    assert places == sorted(places)
    last = commands.strip().splitlines()[-1]
    assert "-m pytest" in last
    assert " -m " not in last.partition("-m pytest")[2], "the gate leaves no test out"


def test_the_quick_gate_leaves_out_notebooks_and_browser_only() -> None:
    gate, quick = recipe("test").strip(), recipe("quick").strip()
    assert quick == f'{gate} -m "not notebook and not browser"'


def test_torch_is_installed_first_as_pinned_and_everything_under_the_constraints() -> None:
    commands = recipe("test", "EXTRAS=mcu speech", "PIP_ARGS=--no-cache-dir")
    lines = commands.replace("\\\n", " ").splitlines()
    installs = [line for line in lines if "-m pip" in line and " install " in line]
    torch, project = installs
    assert "grep '^torch==' constraints.txt" in torch
    assert "-e '.[dev,mcu,speech]'" in project
    assert all("-c constraints.txt" in line and "--no-cache-dir" in line for line in installs)


def test_a_second_time_installs_nothing(tmp_path: Path) -> None:
    """With the stamps newer than the pins, only the verb itself is left to do."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".made").touch()
    (tmp_path / ".venv" / ".ready-mcu").touch()
    assert "install" not in make("-n", "lab", cwd=tmp_path).stdout
    newer = (tmp_path / ".venv" / ".ready-mcu").stat().st_mtime + 10
    os.utime(tmp_path / "constraints.txt", (newer, newer))
    assert "install" in make("-n", "lab", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("is_old", "remedy"),
    [(True, "no Python >= 3.11 found"), (False, "apt-get install python3-venv")],
)
def test_a_python_that_will_not_do_gets_one_line(is_old: bool, remedy: str, tmp_path: Path) -> None:
    python = fake_python(tmp_path, is_old=is_old)
    failed = make("demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    said = [line for line in failed.stderr.splitlines() if not line.startswith("make: ***")]
    assert failed.returncode == 2
    assert len(said) == 1
    assert remedy in said[0]
    assert not (tmp_path / "venv").exists()


def test_ci_runs_the_gate_and_passes_its_failure_on() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert text.strip().splitlines()[-1] == "make test"
    assert "set -euo pipefail" in text
    assert "export CI=true" in text
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_a_failing_step_fails_the_gate(tmp_path: Path) -> None:
    """The same Makefile with an environment whose linter finds something."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / ".venv" / ".made").touch()
    (tmp_path / ".venv" / ".ready-dev").touch()
    for name in ("python", "lint-imports", "course"):
        program = programs / name
        program.write_text('#!/bin/sh\necho "$0 $*"\n[ "$2" != mypy ]\n', encoding="utf-8")
        program.chmod(0o755)
    gate = make("test", cwd=tmp_path)
    assert gate.returncode != 0
    assert "-m mypy" in gate.stdout
    assert "-m pytest" not in gate.stdout
