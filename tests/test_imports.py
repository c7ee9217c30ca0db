"""Who may import what, and what an import costs."""

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from labs.engine.catalog import Lab, find_labs

ROOT = Path(__file__).parents[1]
PACKAGES = ("course_utils", "labs", "grading")
HEAVY = ("torch", "matplotlib", "pandas", "codecarbon")

# What only one place knows, so that a change of the tool is a change of one file.
KNOWN_ONLY_TO = {
    "papermill": ("labs.engine",),
    "argparse": (
        *("labs.engine.cli", "labs.engine.command_line", "labs.engine.sweeps.cli"),
        "labs.engine.seminar.cli",
        *("labs.gpu_training.cli", "grading.cli", "grading.commands"),
    ),
    "jupytext": ("grading",),
    "torchvision": ("course_utils.data",),
    "pynvml": ("course_utils.energy",),
    "codecarbon": ("course_utils.energy", "course_utils.carbon"),
    "pooch": ("course_utils.data",),
    "sqlite3": ("grading.store", "labs.seminar.model_management.catalog"),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(*packages: str) -> dict[str, Path]:
    """Name -> file of every module, the answers aside: they are notebooks and student-like code."""
    paths = (path for package in packages for path in sorted((ROOT / package).rglob("*.py")))
    return {module_name(p): p for p in paths if "answers" not in p.relative_to(ROOT).parts}


def imports_of(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def loaded_after(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(run.stdout.split())


def test_course_utils_loads_nothing_heavy() -> None:
    assert loaded_after("import course_utils").isdisjoint(HEAVY)


def test_the_check_sees_a_heavy_import() -> None:
    assert "matplotlib" in loaded_after("import course_utils, matplotlib")


@pytest.mark.parametrize("package", sorted(KNOWN_ONLY_TO))
def test_one_place_knows_each_tool(package: str) -> None:
    users = {
        name
        for name, path in modules(*PACKAGES).items()
        if any(is_within(imported, package) for imported in imports_of(path))
    }
    strangers = [
        name for name in users if not any(is_within(name, home) for home in KNOWN_ONLY_TO[package])
    ]
    assert strangers == []


@pytest.mark.parametrize("lab", find_labs(), ids=lambda lab: lab.name)
def test_labs_do_not_import_each_other(lab: Lab) -> None:
    others = [other.package for other in find_labs() if other != lab]
    for path in lab.modules:
        assert not [n for n in imports_of(path) for other in others if is_within(n, other)], path


def test_what_labs_share_imports_no_lab() -> None:
    for name, path in modules("labs/engine", "labs/shared").items():
        labs = [lab.package for lab in find_labs()]
        assert not [n for n in imports_of(path) for lab in labs if is_within(n, lab)], name


def test_every_third_party_import_is_declared() -> None:
    """A package that is here only because another one needs it can go away with that one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    lines = [*project["dependencies"], *extras]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    providers = metadata.packages_distributions()
    undeclared = defaultdict(set)
    for name, path in modules(*PACKAGES).items():
        for top in {imported.partition(".")[0] for imported in imports_of(path)}:
            if top in sys.stdlib_module_names or top in PACKAGES:
                continue
            owners = {canonicalize_name(owner) for owner in providers.get(top, [top])}
            if owners.isdisjoint(declared):
                undeclared[top].add(name)
    assert dict(undeclared) == {}


def test_import_linter_guards_every_package() -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    rules = tables["importlinter"]
    assert set(rules["root_packages"]) == set(PACKAGES)
    assert rules["contracts"][0]["layers"] == ["grading", "labs", "course_utils"]
