"""The wheel holds what students need, installs without the repository, and keeps the answers."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from labs.engine.catalog import find_labs

ROOT = Path(__file__).parents[1]
PACKAGES = {"course_utils", "labs"}

# One build for all tests of this file, whichever process they land in.
pytestmark = pytest.mark.xdist_group("packaging")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    build = subprocess.run(
        [sys.executable, *command], check=False, capture_output=True, text=True, timeout=300
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and nothing else of ours."""
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([sys.executable, *command, str(folder), str(wheel)], check=True, timeout=300)
    return folder


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def in_tree(folder: Path, patterns: tuple[str, ...]) -> set[str]:
    found = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return {path.relative_to(ROOT).as_posix() for path in found}


def run_installed(site: Path, code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the installed wheel; isolated, so the repository is not on its path."""
    start = f"import sys; sys.path.insert(0, {str(site)!r}); "
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COURSE_DATA")}
    return subprocess.run(
        [sys.executable, "-I", "-c", start + code],
        check=False,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_wheel_holds_the_two_packages_and_no_answers(wheel: Path) -> None:
    held = names(wheel)
    assert {name.partition("/")[0] for name in held} == PACKAGES
    forbidden = ("grading", "answers", "tests", "hidden", ".ipynb_checkpoints", "__pycache__")
    parts = {part for name in held for part in name.removesuffix(".py").split("/")}
    assert parts.isdisjoint(forbidden)
    assert not [name for name in held if name.endswith("course.toml")]


def test_wheel_holds_every_module_lab_and_data_card(wheel: Path) -> None:
    held = names(wheel)
    code = in_tree(ROOT / "course_utils", ("*.py",)) | in_tree(ROOT / "labs", ("*.py", "*.toml"))
    assert code <= held
    for lab in find_labs():
        folder = lab.folder.relative_to(ROOT).as_posix()
        files = {"lab.toml", "README.md", lab.notebook.name}
        assert {f"{folder}/{name}" for name in files} <= held
    material = in_tree(ROOT / "labs" / "seminar" / "material", ("*",))
    assert "labs/seminar/material/report.tex" in material
    assert material <= held
    data = in_tree(ROOT / "datasets", ("registry.toml", "*.md", "*.ogg", "*.csv", "makers/*.py"))
    assert "datasets/registry.toml" in data
    assert {f"course_utils/{name}" for name in data} <= held


def test_wheel_names_its_licences_and_commands(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        listed = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}
        commands = archive.read(listed["entry_points.txt"]).decode()
    assert {"licenses/LICENSE", "licenses/LICENSE-CONTENT"} <= set(listed)
    for name, target in project["scripts"].items():
        assert f"{name} = {target}" in commands


def test_installed_lab_works_without_the_repository(site: Path, tmp_path: Path) -> None:
    code = "from labs.engine.cli import main; sys.exit(main(['list']))"
    listing = run_installed(site, code, tmp_path)
    assert listing.returncode == 0, listing.stderr
    for lab in find_labs():
        assert lab.name in listing.stdout


def test_installed_material_of_the_seminar_is_found(site: Path, tmp_path: Path) -> None:
    code = (
        f"sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]; "
        "from labs.engine.cli import main; sys.exit(main(['new-project', 'ours']))"
    )
    made = run_installed(site, code, tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "ours" / "experiment.ipynb").is_file()


def test_installed_package_is_the_one_that_was_built(site: Path, tmp_path: Path) -> None:
    """Guards the tests here: the editable install must not answer for the wheel."""
    code = "import labs, course_utils as c; print(labs.__file__, c.__file__)"
    files = run_installed(site, code, tmp_path).stdout.split()
    assert [Path(file).is_relative_to(site) for file in files] == [True, True]


def test_installed_data_registry_is_found(site: Path, tmp_path: Path) -> None:
    code = "from course_utils import data; print(*data.list_datasets())"
    listing = run_installed(site, code, tmp_path)
    assert listing.returncode == 0, listing.stderr
    assert "digits" in listing.stdout


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("keywords_synthetic", "x (360, 16000) float32, y (360,) int64"),
        ("tinyshakespeare", "x (111539,) uint8, y (111539,) int64"),
    ],
)
def test_installed_sets_are_found_without_a_folder_of_data(
    site: Path, tmp_path: Path, name: str, arrays: str
) -> None:
    code = f"from course_utils import data; print(data.load({name!r}, split='val'))"
    answer = run_installed(site, code, tmp_path)
    assert f"{arrays}, from this project" in answer.stdout, answer


def test_installed_course_says_that_grading_is_not_included(site: Path, tmp_path: Path) -> None:
    """The editable install in this environment would offer grading, so its finder is removed."""
    without_repository = (
        f"sys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]; "
        "from labs.engine.cli import course; sys.exit(course(['build']))"
    )
    answer = run_installed(site, without_repository, tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1
    assert "grading is not included" in answer.stderr
