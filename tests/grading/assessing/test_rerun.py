"""Running a submission again with other parameters: inert, named, and changing no grade."""

import argparse
import contextlib
import json
import tempfile
import uuid
from pathlib import Path

import psutil
import pytest

from grading.assessing import rerun as rerunning
from grading.assessing.rerun import rerun, without_markup
from grading.building import build
from grading.commands import rerun as command
from grading.errors import StoreError
from grading.store import Store
from grading.submissions import Submission
from labs.engine.catalog import find_lab
from labs.engine.errors import ParameterError, SubmissionError, UsageError
from labs.engine.sandbox.cgroups import is_gone
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits
from labs.engine.sandbox.starter import runtime_folder

OWN = """\
from IPython.display import HTML, Markdown, display
display(HTML("<script>alert(1)</script>"), Markdown("![](http://example.org/x)"))
print("scale is", scale)
"""
# Two ranks with a sum, and as many threads as four ranks with several groups of them take.
RANKS = """\
import threading
from labs.gpu_training.launching.launcher import launch

def total(numbers):
    import torch
    from torch import distributed as dist
    summed = torch.tensor(numbers) * (1.0 + dist.get_rank())
    dist.all_reduce(summed)
    return summed.tolist()

gate = threading.Event()
threads = [threading.Thread(target=gate.wait) for _ in range(100)]
for thread in threads:
    thread.start()
print("sums are", launch(total, world_size=2, arguments={"numbers": [1.0, 2.0]}).results)
gate.set()
"""
ENDLESS = """\
import os
from labs.gpu_training.launching.launcher import launch

def endless():
    while True:
        pass

os.environ["RERUN_MARK"] = "@MARK@"
launch(endless, world_size=2)
"""
behind_walls = pytest.mark.skipif(
    walls_missing() is not None, reason=f"no walls here: {walls_missing()}"
)


def own_cell(source: str) -> dict:
    """A cell that a student adds."""
    cell = {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "source": source}
    return cell | {"execution_count": None}


@pytest.fixture
def submission(toy):
    build.write(toy.built())
    content = json.loads(toy.student.read_text(encoding="utf-8"))
    place = next(n for n, cell in enumerate(content["cells"]) if "LIMIT" in str(cell["source"]))
    content["cells"].insert(place + 1, own_cell(OWN))
    return Submission("anna", json.dumps(content).encode())


@pytest.fixture
def course(toy):
    def run(*words):
        parser = argparse.ArgumentParser()
        command.add(parser.add_subparsers())
        options = parser.parse_args(["rerun", *map(str, words)])
        return options.run(options, toy.course)

    return run


def test_nothing_of_a_student_is_kept_that_a_viewer_would_render():
    data = {"text/html": "<b>", "text/markdown": "#", "image/svg+xml": "<svg>", "text/plain": "4"}
    shown = {"output_type": "display_data", "data": data, "metadata": {"isolated": True}}
    stream = {"output_type": "stream", "name": "stdout", "text": "4"}
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [shown, stream]},
        {"cell_type": "markdown", "metadata": {"course": {"role": "text"}}, "source": "<b>"},
        {"cell_type": "markdown", "metadata": {}, "source": "# Ours"},
    ]
    inert = without_markup({"cells": cells, "metadata": {}})["cells"]
    assert inert[0]["outputs"] == [shown | {"data": {"text/plain": "4"}, "metadata": {}}, stream]
    assert [cell["cell_type"] for cell in inert] == ["code", "raw", "markdown"]


@pytest.mark.notebook
def test_a_submission_runs_with_other_parameters_behind_walls(tmp_path):
    lab = find_lab("quickstart")
    content = json.loads(lab.notebook.read_text(encoding="utf-8"))
    place = next(n for n, c in enumerate(content["cells"]) if "import" in "".join(c["source"]))
    content["cells"].insert(place + 1, own_cell(OWN.replace("scale", "width")))
    target = tmp_path / "out" / "anna.ipynb"
    record = rerun(
        lab,
        Submission("anna", json.dumps(content).encode()),
        parameters={"width": "2", "epochs": "1", "measure_s": "0.05"},
        output=target,
        is_trusted=walls_missing() is not None,
    )
    assert (record["status"], record["parameters"]["width"]) == ("ok", 2)
    outputs = [o for c in json.loads(target.read_text())["cells"] for o in c.get("outputs", ())]
    assert {kind for o in outputs for kind in o.get("data", ())} == {"text/plain", "image/png"}
    assert any("".join(o.get("text", "")) == "width is 2\n" for o in outputs)
    assert "script" not in json.dumps(outputs)
    assert json.loads(target.with_suffix(".json").read_text()) == record


def quickstart_with(source: str) -> Submission:
    """The quickstart with a student's cell below the first imports."""
    content = json.loads(find_lab("quickstart").notebook.read_text(encoding="utf-8"))
    place = next(n for n, c in enumerate(content["cells"]) if "import" in "".join(c["source"]))
    content["cells"].insert(place + 1, own_cell(source))
    return Submission("anna", json.dumps(content).encode())


QUICK = {"width": "2", "epochs": "1", "measure_s": "0.05"}


@pytest.mark.notebook
@behind_walls
def test_ranks_of_a_launch_meet_behind_walls(tmp_path):
    target = tmp_path / "anna.ipynb"
    lab = find_lab("quickstart")
    record = rerun(lab, quickstart_with(RANKS), parameters=QUICK, output=target)
    assert record["status"] == "ok", record
    outputs = [o for c in json.loads(target.read_text())["cells"] for o in c.get("outputs", ())]
    texts = ["".join(o.get("text", "")) for o in outputs]
    assert "sums are [[3.0, 6.0], [3.0, 6.0]]\n" in texts


def marked(mark):
    """The processes that carry a mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("RERUN_MARK") == mark:
                found.append(process)
    return found


@pytest.mark.notebook
@behind_walls
def test_a_rerun_that_reaches_its_limits_leaves_nothing(tmp_path, monkeypatch):
    mark, folder = uuid.uuid4().hex, tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(rerunning, "LIMITS", Limits(processes=256, cpu_s=0.15))  # 9 s altogether
    submission = quickstart_with(ENDLESS.replace("@MARK@", mark))
    target = tmp_path / "anna.ipynb"
    record = rerun(find_lab("quickstart"), submission, parameters=QUICK, output=target)
    assert record["status"] == "failed"
    assert marked(mark) == []
    assert list(folder.iterdir()) == []
    sockets = [path.name for path in Path(runtime_folder()).glob("k*-*")]
    assert [name for name in sockets if is_gone(name[1:].partition("-")[0])] == []


def test_a_parameter_that_is_not_there_is_refused(toy, submission, tmp_path):
    lab = toy.course.lab("toy")
    with pytest.raises(ParameterError, match="scal"):
        rerun(lab, submission, parameters={"scal": "1"}, output=tmp_path / "x.ipynb")


def test_a_submission_without_a_notebook_is_refused(toy, tmp_path):
    lab = toy.course.lab("toy")
    refused = Submission("ben", None, problem="an encrypted zip")
    with pytest.raises(SubmissionError, match="ben holds no notebook: an encrypted zip"):
        rerun(lab, refused, parameters={}, output=tmp_path / "x.ipynb")


def test_the_grades_say_where_the_submission_is(toy, submission, course, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "walls_missing", lambda: None)
    folder, grades = tmp_path / "handed-in", tmp_path / "grades"
    (folder / "anna").mkdir(parents=True)
    (folder / "anna" / "toy.ipynb").write_bytes(submission.notebook)
    with pytest.raises(StoreError, match="`course grade` writes them there"):
        course("toy", "anna", "-o", grades)
    with Store(grades):
        pass
    with pytest.raises(UsageError, match="does not say where submissions are"):
        course("toy", "anna", "-o", grades)
    with Store(grades) as store:
        store.put_facts({command.PLACE: str(folder)})
    with pytest.raises(UsageError, match="no submission 'ana'; did you mean 'anna'"):
        course("toy", "ana", "-o", grades)
    seen = {}

    def played(lab, submission, *, parameters, output, is_trusted):
        seen.update(name=submission.id, parameters=parameters, output=output)
        return {"parameters": parameters, "status": "ok", "results": {}, "provenance": {}}

    monkeypatch.setattr(command.rerun, "rerun", played)
    assert course("toy", "anna", "-p", "scale", "2", "-p", "seed", "1", "-o", grades) == 0
    assert seen["parameters"] == {"scale": "2", "seed": "1"}
    assert seen["output"] == grades / "reruns" / "anna" / "scale-2_seed-1.ipynb"
    monkeypatch.setattr(command, "walls_missing", lambda: "not Linux")
    with pytest.raises(UsageError, match="not Linux"):
        course("toy", "anna", "-o", grades)


def test_what_student_code_raises_cannot_act_on_the_terminal(
    toy, submission, course, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(command, "walls_missing", lambda: None)
    folder, grades = tmp_path / "handed-in", tmp_path / "grades"
    (folder / "anna").mkdir(parents=True)
    (folder / "anna" / "toy.ipynb").write_bytes(submission.notebook)
    with Store(grades) as store:
        store.put_facts({command.PLACE: str(folder)})
    error = {"name": "X\x1b]0;mine\x07\nall: graded", "message": "m\x1b]52;c;QUJD\x07\x08\x9b2Jn"}
    played = {"parameters": {}, "status": "failed", "results": {}, "provenance": {"error": error}}
    monkeypatch.setattr(command.rerun, "rerun", lambda *_, **__: played)
    assert course("toy", "anna", "-o", grades) == 0
    assert caplog.messages[-1] == "anna: X all: graded: m2Jn"
