"""The commands: what goes to stdout, one line for each mistake, and the exit codes."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils import data
from labs.engine import catalog, cli, doctor, runner
from labs.engine.errors import RunError

LAB = """
number = 7
title = "Toy"
summary = "A toy."
minutes = 5
hardware = "Any computer."
[presets.smoke]
epochs = 1
[exercises."7.1"]
title = "Count"
points = 4
kind = "code"
tier = "core"
student_minutes = 3
functions = ["count"]
"""
RESULT = {"value": 2.0, "low": 1.9, "high": 2.2, "n": 31, "kind": "measured"}
COMMANDS = (
    ["list"],
    ["run"],
    ["sweep"],
    ["compare"],
    ["submit"],
    ["new-project"],
    ["topics"],
    ["template"],
    ["onepager"],
    ["onepager", "check"],
    ["data"],
    ["data", "list"],
    ["data", "fetch"],
    ["data", "path"],
    ["doctor"],
)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A course of one lab."""
    folder = tmp_path / "labs" / "toy"
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(LAB)
    source = "epochs = 20  # passes over the training data\nis_fast = False  # skip a part"
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "toy.ipynb")
    monkeypatch.setattr(catalog, "LABS_ROOT", tmp_path / "labs")
    monkeypatch.chdir(tmp_path)
    return catalog.find_lab("toy")


@pytest.fixture
def executed(monkeypatch):
    """The plans that were carried out, each with its output; nothing really runs."""
    done = []

    def execute(plan, *, output, progress):
        done.append((plan, output))
        record = {"lab": plan.name, "parameters": plan.parameters, "status": "ok"}
        return {**record, "results": {"latency_ms": RESULT}, "provenance": {}}

    monkeypatch.setattr(runner, "execute", execute)
    return done


def said(capsys):
    """Return what was printed, with the claim that an error is one line."""
    stdout, stderr = capsys.readouterr()
    assert stderr.count("\n") <= 1
    return stdout, stderr


def test_help_of_the_whole_and_of_every_command(capsys):
    assert cli.main([]) == cli.EXIT_OK
    alone = capsys.readouterr().out
    assert cli.main(["--help"]) == cli.EXIT_OK
    assert capsys.readouterr().out == alone
    for words in COMMANDS:
        assert cli.main([*words, "--help"]) == cli.EXIT_OK
        assert f"Example: lab {words[0]}" in " ".join(capsys.readouterr().out.split())


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from labs.engine import cli; cli.main(['--help'])\n"
        "print([name for name in sys.modules if name.partition('.')[0] in "
        "('numpy', 'torch', 'papermill', 'nbformat', 'psutil', 'matplotlib')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words", [["rnu"], ["run"], ["run", "toy", "-p", "a"], ["data", "fetch"], ["list", "--x"]]
)
def test_wrong_usage_is_one_line_and_two(capsys, words):
    assert cli.main(words) == cli.EXIT_USAGE
    stdout, stderr = said(capsys)
    assert stdout == ""
    assert stderr.startswith("lab")
    assert "--help" in stderr


# -- list and run ------------------------------------------------------------------------------


def test_list_shows_parameters_minutes_and_points(capsys, lab):
    assert cli.main(["list"]) == cli.EXIT_OK
    stdout, stderr = said(capsys)
    assert stderr == ""
    assert stdout.splitlines() == [
        "toy  5 min, 4 points",
        "    7. Toy: A toy.",
        "    presets: default, smoke",
        "    epochs = 20      int   passes over the training data",
        "    is_fast = False  bool  skip a part",
    ]
    lab.notebook.unlink()
    cli.main(["list"])
    assert "no notebook has been built yet" in capsys.readouterr().out


def test_run_passes_parameters_preset_and_output(capsys, lab, executed):
    words = ["run", "toy", "-p", "epochs", "-3", "-p", "is_fast", "true", "--preset", "smoke"]
    assert cli.main([*words, "-o", "out.ipynb"]) == cli.EXIT_OK
    [(plan, output)] = executed
    assert plan.parameters == {"epochs": -3, "is_fast": True}
    assert (plan.lab.name, plan.preset, output) == ("toy", "smoke", "out.ipynb")
    assert said(capsys) == ("latency_ms  2 ms [1.9, 2.2]  n=31  measured\n", "")


@pytest.mark.parametrize("value", ["-3", "-1e-3", "-.5", "--", "-o"])
def test_a_value_may_start_with_a_dash_if_it_is_a_number(capsys, lab, executed, value):
    code = cli.main(["run", "toy", "-p", "epochs", value])
    _, stderr = said(capsys)
    if value == "-3":
        assert code == cli.EXIT_OK
    else:
        assert code == cli.EXIT_USAGE
    if value in ("-1e-3", "-.5"):
        assert stderr.startswith(f"lab: parameter epochs = '{value}' is not of type int")


def test_without_output_the_record_goes_to_stdout(capsys, lab, executed):
    assert cli.main(["run", "toy"]) == cli.EXIT_OK
    stdout, stderr = said(capsys)
    assert json.loads(stdout)["results"] == {"latency_ms": RESULT}
    assert stderr == ""


def test_a_notebook_without_results_prints_nothing(capsys, lab, monkeypatch):
    record = {"lab": "toy", "parameters": {}, "status": "ok", "results": {}, "provenance": {}}
    monkeypatch.setattr(runner, "execute", lambda plan, *, output, progress: record)
    assert cli.main(["run", "toy", "-o", "out.ipynb"]) == cli.EXIT_OK
    assert said(capsys) == ("", "")


def test_a_path_may_be_a_labs_notebook_or_any_other(lab, executed, tmp_path):
    copy = tmp_path / "mine.ipynb"
    copy.write_bytes(lab.notebook.read_bytes())
    assert cli.main(["run", "labs/toy/toy.ipynb"]) == cli.EXIT_OK
    assert cli.main(["run", "mine.ipynb", "-p", "epochs", "2"]) == cli.EXIT_OK
    assert [plan.name for plan, _ in executed] == ["toy", "mine.ipynb"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "tyo"], "lab: no lab 'tyo'; did you mean 'toy'? (labs: toy)"),
        (["run", "no.ipynb"], "lab: no notebook no.ipynb; give a lab's name or the path of"),
        (["run", "toy", "-p", "epoch", "3"], "lab: no parameter 'epoch'; did you mean 'epochs'?"),
        (["run", "toy", "-p", "epochs", "x"], "lab: parameter epochs = 'x' is not of type int;"),
        (["run", "toy", "--preset", "smok"], "lab: lab toy has no preset 'smok'; did you mean"),
        (["run", "toy", "-p", "epochs", "1", "-p", "epochs", "2"], "lab: parameter epochs is giv"),
        (["run", "toy", "-o", "labs/toy/toy.ipynb"], "lab: output labs/toy/toy.ipynb is the"),
        (["run", "toy", "-o", "none/out.ipynb"], "lab: none is no folder; make it first"),
        (["doctor", "mcus"], "lab: no extra 'mcus'; did you mean 'mcu'?"),
        (["data", "path", "minst"], "lab: no data set 'minst'; did you mean 'mnist'?"),
        (["data", "fetch", "minst"], "lab: no data set 'minst'; did you mean 'mnist'?"),
    ],
)
def test_mistakes_are_named_in_one_line(capsys, lab, words, line):
    assert cli.main(words) == cli.EXIT_USAGE
    stdout, stderr = said(capsys)
    assert stdout == ""
    assert stderr.startswith(line)


def test_a_failed_run_is_one_and_quotes_the_cell(capsys, lab, monkeypatch):
    error = {"cell": 3, "source": "1 / 0\n2", "name": "E", "message": "division\nby zero"}
    record = {"status": "failed", "results": {}, "provenance": {"error": error}}
    monkeypatch.setattr(runner, "execute", lambda plan, **_: record)
    assert cli.main(["run", "toy", "-o", "out.ipynb"]) == cli.EXIT_FAILED
    line = "lab: toy failed in cell 3, '1 / 0': E: division by zero; see out.ipynb\n"
    assert said(capsys)[1] == line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x"),
            "lab: No space left on device /tmp/x; check free space and permissions\n",
        ),
        (RunError("cannot write out.ipynb"), "lab: cannot write out.ipynb\n"),
        (KeyboardInterrupt(), "lab: interrupted; nothing was written\n"),
    ],
)
def test_trouble_with_the_machine_is_one_line_and_one(capsys, lab, monkeypatch, error, line):
    def fail(plan, **_):
        raise error

    monkeypatch.setattr(runner, "execute", fail)
    assert cli.main(["run", "toy"]) == cli.EXIT_FAILED
    assert said(capsys) == ("", line)


def test_a_missing_package_and_an_old_python_are_told_so(capsys, monkeypatch):
    def fail():
        raise ModuleNotFoundError("No module named 'papermill'", name="papermill")

    monkeypatch.setattr(catalog, "find_labs", fail)
    assert cli.main(["list"]) == cli.EXIT_FAILED
    assert "lacks the package papermill; use the course's environment" in said(capsys)[1]
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(sys, "version", "3.10.13 (main)")
    assert cli.main(["list"]) == cli.EXIT_FAILED
    assert said(capsys)[1] == "lab: this is Python 3.10.13; use 3.11 or newer\n"


def test_a_mistake_of_ours_is_not_hidden_in_a_line(monkeypatch):
    def fail():
        raise ModuleNotFoundError("No module named 'labs.engine.x'", name="labs.engine.x")

    monkeypatch.setattr(catalog, "find_labs", fail)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["list"])


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m labs.engine.cli doctor dev | head -0"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


# -- data and doctor ---------------------------------------------------------------------------


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """A folder of archives with a damaged copy of one set."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "archives"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "archives" / data.info("cifar10").files[0].path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"airplane")
    return path


def test_data_list_says_what_is_here(capsys, photographs):
    assert cli.main(["data", "list"]) == cli.EXIT_OK
    stdout, stderr = said(capsys)
    lines = {line.split()[0]: line for line in stdout.splitlines()}
    assert stderr == ""
    assert list(lines) == [info.name for info in data.list_datasets()]
    assert "ok" in lines["digits"].split()
    assert "absent" in lines["mnist"].split()
    assert "damaged" in lines["cifar10"].split()
    assert len(lines["digits"]) < 120, "a long line about one set does not widen the others"


def test_data_path_gives_verified_files_only(capsys, photographs, monkeypatch):
    assert cli.main(["data", "path", "cifar10"]) == cli.EXIT_FAILED
    stdout, stderr = said(capsys)
    assert stdout == ""
    assert "cifar10" in stderr
    assert cli.main(["data", "path", "mnist"]) == cli.EXIT_FAILED
    assert "lab data fetch mnist" in said(capsys)[1]
    monkeypatch.setattr(data, "locate", lambda name: (Path("/a/b.txt"),))
    assert cli.main(["data", "path", "cifar10"]) == cli.EXIT_OK
    assert said(capsys) == (f"{Path('/a/b.txt')}\n", "")


@pytest.mark.parametrize("action", ["path", "fetch"])
def test_an_embedded_set_has_no_path(capsys, action):
    assert cli.main(["data", action, "digits"]) == cli.EXIT_OK
    stdout, stderr = said(capsys)
    assert stdout == ""
    assert stderr == "lab: digits comes with scikit-learn and has no file of its own\n"


@pytest.mark.parametrize(
    ("state", "code"),
    [(doctor.OK, 0), (doctor.ABSENT, 0), (doctor.DAMAGED, 0), (doctor.BROKEN, 1)],
)
def test_doctor_fails_only_for_what_is_required(capsys, monkeypatch, state, code):
    finding = doctor.Finding("thing", state, "is so", "fix it")
    monkeypatch.setattr(doctor, "diagnose", lambda: (finding, finding))
    assert cli.main(["doctor"]) == code
    stdout, stderr = said(capsys)
    assert stderr == ""
    assert stdout.count(f"{state}  thing  is so") == 2
    assert stdout.count("    fix it\n") == 1


# -- course ------------------------------------------------------------------------------------


def test_course_says_that_the_handout_does_not_hold_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "grading.cli", None)
    assert cli.course(["build"]) == cli.EXIT_USAGE
    line = "course: grading is not included in the student handout; use lab --help\n"
    assert said(capsys) == ("", line)


def test_course_hands_its_arguments_on(monkeypatch):
    class Grading:
        @staticmethod
        def main(argv):
            return len(argv)

    monkeypatch.setitem(sys.modules, "grading.cli", Grading)
    assert cli.course(["a", "b", "c"]) == 3
