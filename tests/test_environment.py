"""pyproject.toml, constraints.txt and environment.yml say the same, and pip can follow them."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = ROOT / "pyproject.toml"
PROJECT = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OWN = PROJECT["name"]


def direct(*groups: str) -> list[Requirement]:
    """Direct requirements of the project and of some extras, without references to itself."""
    lines = [*PROJECT["dependencies"], *(line for group in groups for line in EXTRAS[group])]
    return [r for r in map(Requirement, lines) if r.name != OWN]


def pins(lines: list[str]) -> dict[str, str]:
    """Name -> version of the lines ``name==version``."""
    found = (line.strip().partition("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version for name, _, version in found}


def constraint_lines() -> list[str]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def environment_entries() -> list[str]:
    """What environment.yml hands to pip: the entries of its last, deepest list."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    return re.findall(r"^ {6}- (.+)$", text, flags=re.MULTILINE)


CONSTRAINTS = pins(constraint_lines())


@pytest.mark.parametrize("requirement", direct(*EXTRAS), ids=str)
def test_every_direct_dependency_has_a_pin_within_its_range(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    assert name in CONSTRAINTS, f"{name} has no line in constraints.txt; run make pins"
    assert requirement.specifier.contains(CONSTRAINTS[name]), (
        f"constraints.txt has {name}=={CONSTRAINTS[name]}, pyproject.toml asks for {requirement}"
    )


def test_constraints_are_exact_sorted_and_leave_the_cuda_runtime_to_torch() -> None:
    lines = constraint_lines()
    names = [line.partition("==")[0] for line in lines]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert names == sorted(names, key=str.lower)
    assert len(set(map(canonicalize_name, names))) == len(names)
    heavy = [n for n in names if n.startswith(("nvidia", "cuda", "triton")) and n != "nvidia-ml-py"]
    assert heavy == []


def test_environment_pins_exactly_the_direct_dependencies() -> None:
    entries = environment_entries()
    assert entries[0] == "-c constraints.txt", "conda's pip must see the indirect pins too"
    assert entries[-1] == "-e ."
    expected = {canonicalize_name(r.name) for r in direct("mcu", "grading", "dev")}
    listed = pins(entries)
    assert len(listed) == len(entries) - 2
    assert set(listed) == expected
    assert listed == {name: CONSTRAINTS[name] for name in listed}


def test_environment_has_a_python_that_the_project_accepts() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    version = re.search(r"^ {2}- python=([\d.]+)$", text, flags=re.MULTILINE)
    assert version is not None
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert Version(version[1]) >= Version(lowest)


def test_all_names_every_extra() -> None:
    (everything,) = map(Requirement, EXTRAS["all"])
    assert everything.name == OWN
    assert everything.extras == set(EXTRAS) - {"all"}


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = PYPROJECT.read_text(encoding="utf-8")
    declared = re.findall(r'^ {4}"([^"]+)",(.*)$', text, flags=re.MULTILINE)
    lines = {Requirement(r): comment for r, comment in declared if is_requirement(r)}
    assert {str(r) for r in direct(*EXTRAS)} <= set(map(str, lines))
    without = [str(r) for r, comment in lines.items() if r.name != OWN and "# " not in comment]
    assert without == []


def is_requirement(text: str) -> bool:
    """Whether a quoted line of pyproject.toml is a dependency and not a classifier or marker."""
    names = {canonicalize_name(r.name) for r in direct(*EXTRAS)} | {OWN}
    name = re.match(r"[\w.-]+", text)
    return name is not None and canonicalize_name(name[0]) in names and "::" not in text


def test_sizes_are_known_for_exactly_the_extras() -> None:
    sizes = tomllib.loads((ROOT / "labs/engine/extras.toml").read_text(encoding="utf-8"))
    assert set(sizes) == set(EXTRAS)


def load_pins_module():
    spec = importlib.util.spec_from_file_location("pins", ROOT / "tests" / "pins.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pins_come_from_a_report_of_pip() -> None:
    """The CPU build and the CUDA packages of one machine do not enter the file."""
    installed = [
        ("zipp", "4.1.2"),
        ("torch", "2.13.0+cpu"),
        ("nvidia-cublas-cu12", "12.8"),
        ("triton", "3.4.0"),
        ("nvidia-ml-py", "13.615.71"),
        ("MLSys_course", "0.1.0"),
        ("Authlib", "1.9.9"),
    ]
    report = {"install": [{"metadata": {"name": n, "version": v}} for n, v in installed]}
    body = [x for x in load_pins_module().pins(report).splitlines() if not x.startswith("#")]
    assert body == ["Authlib==1.9.9", "nvidia-ml-py==13.615.71", "torch==2.13.0", "zipp==4.1.2"]


@pytest.mark.network
def test_every_extra_resolves_together_under_the_constraints() -> None:
    command = ["-m", "pip", "install", "--dry-run", "--quiet", "-c", "constraints.txt", ".[all]"]
    run = subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-2000:]
