"""Extras: what the installed project says of them, and what is missing."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from labs.engine import extras
from labs.engine.errors import ExtraMissingError, LabError, UsageError

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


class Distribution:
    def __init__(self, version, requires=()):
        self.version = version
        self.requires = list(requires)


@pytest.fixture
def installed(monkeypatch):
    """A Python in which only these distributions are installed."""
    here = {
        extras.DISTRIBUTION: Distribution(
            "1.0",
            [
                "base>=1",
                'odd; python_version < "3"',
                "tool[fast]>=2; extra == 'mcu'",
                "other; extra == 'docs'",
            ],
        )
    }

    def distribution(name):
        if name not in here:
            raise metadata.PackageNotFoundError(name)
        return here[name]

    monkeypatch.setattr(metadata, "distribution", distribution)
    monkeypatch.setattr(metadata, "requires", lambda name: distribution(name).requires)
    return here


def test_sizes_are_known_for_exactly_the_extras_of_the_project():
    sizes = tomllib.loads(extras.SIZES_FILE.read_text())
    assert set(sizes) == set(PROJECT["optional-dependencies"])
    for size in sizes.values():
        assert set(size) == {"download_bytes", "disk_bytes"}
        assert size["disk_bytes"] >= size["download_bytes"] >= 0


def test_all_costs_no_more_than_the_sum_of_its_parts():
    sizes = tomllib.loads(extras.SIZES_FILE.read_text())
    for key in ("download_bytes", "disk_bytes"):
        parts = [size[key] for name, size in sizes.items() if name != "all"]
        assert max(parts) < sizes["all"][key] <= sum(parts)


def test_requirements_are_those_of_the_project_file():
    found = {extra.name: extra for extra in extras.find_extras()}
    for name, texts in PROJECT["optional-dependencies"].items():
        own = {text for text in texts if not text.startswith(extras.DISTRIBUTION)}
        assert {extras.Requirement(text) for text in own} <= {
            extras.Requirement(text) for text in found[name].requirements
        }


def test_missing_outdated_and_half_installed_packages(installed):
    def missing():
        return extras.find_extra("mcu").missing

    assert missing() == ("tool[fast]>=2",)
    installed["tool"] = Distribution("1.9")
    assert missing() == ("tool[fast]>=2",)
    installed["tool"] = Distribution("2.0", ["engine>=3; extra == 'fast'", "x; extra == 'slow'"])
    assert missing() == ("engine>=3",)
    installed["engine"] = Distribution("3.1+cpu")
    assert extras.find_extra("mcu").is_installed
    assert extras.find_extra("gpu").is_installed  # asks for nothing here


def test_required_packages_heed_markers(installed):
    assert extras.missing_requirements() == ("base>=1",)
    installed["base"] = Distribution("1.0")
    assert extras.missing_requirements() == ()


def test_a_lab_that_needs_more_gets_the_one_command(installed):
    with pytest.raises(ExtraMissingError) as caught:
        extras.require_extras(("mcu", "docs", "gpu"), needed_by="lab toy")
    command = extras.install_command("mcu", "docs")
    needs = "lab toy needs tool[fast]>=2, other, not installed here"
    assert str(caught.value) == f"{needs}; run: {command}"


def test_the_one_command_names_this_python_and_the_tested_versions(monkeypatch, tmp_path):
    """As a shell in the current folder takes it: short below it, ``python`` where that is ours."""
    (tmp_path / "constraints.txt").write_text("")
    monkeypatch.setattr(extras, "LABS_ROOT", tmp_path / "labs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extras.sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    command = extras.install_command("mcu")
    assert command == '.venv/bin/python -m pip install -c constraints.txt "mlsys-course[mcu]"'
    monkeypatch.setattr(extras.shutil, "which", lambda name: extras.sys.executable)
    (tmp_path / "constraints.txt").unlink()
    assert extras.install_command("mcu") == 'python -m pip install "mlsys-course[mcu]"'


def test_a_lab_needs_nothing_more_than_it_names(installed):
    extras.require_extras(("gpu",), needed_by="lab toy")


def test_unknown_extra_gets_a_suggestion():
    with pytest.raises(UsageError, match="no extra 'mcus'; did you mean 'mcu'"):
        extras.find_extra("mcus")


def test_a_python_without_the_project_is_told_so(installed):
    del installed[extras.DISTRIBUTION]
    with pytest.raises(LabError, match="is not installed in this Python; run: python -m pip"):
        extras.find_extras()


def test_a_notebook_shows_one_line_where_something_is_missing(capsys):
    shell = InteractiveShell()
    shell.user_ns["error"] = ExtraMissingError("no C compiler; run: pip")
    shell.run_cell("def deep():\n    raise error\ndeep()")
    assert capsys.readouterr().out.strip() == "ExtraMissingError: no C compiler; run: pip"
