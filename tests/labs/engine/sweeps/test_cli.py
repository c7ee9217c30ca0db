"""The commands sweep and compare: what is said, what is refused, and how a sweep goes on."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course_utils import records
from labs.engine import cli, provenance
from labs.engine.sweeps import pool
from labs.engine.sweeps.folder import find_folder, read_folder

_spec = importlib.util.spec_from_file_location(
    "toy_sweep", Path(__file__).with_name("toy_sweep.py")
)
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

ROOT = Path(__file__).parents[4]
PARAMETERS = "width = 8  # channels\nseed = 0  # any\nalpha = 0.5  # share"
BODY = """\
from course_utils import records
assert width != 99, 'too wide'
score = records.Result(width + seed % 7, width - 1.0, width + 7.0, n=5, kind='measured')
records.show_results(data='none', score=score, params=records.counted(width))"""


def write_notebook(path, *sources, parameters=PARAMETERS):
    """Write a notebook whose first cell is tagged, if it has parameters."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": ["parameters"] if source is parameters else []},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate([parameters, *sources] if parameters else sources)
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a notebook, whose runs take a light process each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_WARM", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(pool, "start_process", toy.light_worker)
    monkeypatch.setattr(provenance, "machine", lambda _: {"cores": 2})
    write_notebook(tmp_path / "toy.ipynb", BODY)
    write_notebook(tmp_path / "bare.ipynb", "1", parameters="")
    (tmp_path / "text.ipynb").write_text("no notebook")
    return tmp_path


def sweep(*words):
    return cli.main(["sweep", "toy.ipynb", *words])


def times(folder):
    """Run's name -> when its record was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("runs/*/*.json")}


def said(capsys):
    stdout, stderr = capsys.readouterr()
    return stdout.splitlines(), [line for line in stderr.splitlines() if "its own" not in line]


def test_a_sweep_ends_in_tables_a_report_and_a_headline(capsys, place):
    assert sweep("-g", "width=8,16", "--seeds", "2", "-o", "out", "-r", "score") == cli.EXIT_OK
    stdout, stderr = said(capsys)
    assert [line.split()[0] for line in stdout[:3]] == ["width", "8", "16"]
    assert stdout[0].split() == ["width", "score", "runs"]
    assert re.fullmatch(r"16 +16\.5 \[10\.1, 22\.9\] +2", stdout[2])  # t of 1 degree: 12.7 * 0.5
    assert stdout[3] == "out/report.html"
    assert all(Path(line).is_file() for line in stdout[3:])
    assert stderr[0].startswith("forecast for 2 runs: ")
    assert stderr[-1] == "lab: 4 of 4 runs are done, 0 failed"
    assert list(records.load("out")["seed"]) == [0, 1, 0, 1]
    before = times(place / "out")
    assert sweep("-g", "width=8,16", "--seeds", "2", "-o", "out", "-r", "score") == cli.EXIT_OK
    assert said(capsys)[1] == ["lab: 4 of 4 runs are done, 0 failed"]
    assert times(place / "out") == before, "nothing was done twice"


def test_a_failed_run_is_told_with_its_reason_and_done_again_on_request(capsys, place):
    words = ("-g", "width=8,99", "-o", "out")
    assert sweep(*words) == cli.EXIT_FAILED
    _, stderr = said(capsys)
    [line] = [line for line in stderr if line.startswith("width=99: failed in cell 2")]
    log = Path(line.rpartition("see ")[2])
    assert log.is_file()
    assert "AssertionError: too wide" in line
    assert stderr[-1] == "lab: 1 of 2 runs are done, 1 failed; --retry does failed ones again"
    before = times(place / "out")
    assert sweep(*words) == cli.EXIT_FAILED
    assert times(place / "out") == before
    assert sweep(*words, "--retry") == cli.EXIT_FAILED
    after = times(place / "out")
    assert {name for name in after if after[name] != before[name]} == {log.parent.name}


def test_further_settings_join_and_the_report_has_them_all(capsys, place):
    sweep("-g", "width=8", "-o", "out")
    before = times(place / "out")
    assert sweep("-g", "width=8,16", "-o", "out") == cli.EXIT_OK
    after = times(place / "out")
    assert before.items() <= after.items()
    assert len(after) > len(before)
    assert [run.parameters for run in read_folder(place / "out").current.values()] == [
        {"width": 8},
        {"width": 16},
    ]


def test_a_list_and_a_draw_are_swept_too(capsys, place):
    (place / "some.csv").write_text("width,alpha\n8,\n16,0.1\n")
    assert sweep("--list", "some.csv", "-o", "listed") == cli.EXIT_OK
    assert list(records.load("listed")["alpha"]) == [0.5, 0.1]
    assert sweep("--draws", "2", "-g", "width=1..50", "-o", "drawn") == cli.EXIT_OK
    assert len(set(records.load("drawn")["width"])) == 2


def test_a_forecast_stops_after_the_first_runs_and_the_command_goes_on(capsys, place):
    words = ("-g", "width=1,2,3,4,5", "--jobs", "2", "-o", "out")
    assert sweep(*words, "--forecast") == cli.EXIT_OK
    stdout, stderr = said(capsys)
    assert any(line.startswith("forecast for 3 runs: ") for line in stdout)
    folder = read_folder(place / "out")
    done = [run.parameters["width"] for run in folder.current.values() if folder.record(run.id)]
    assert done == [1, 5], "the first and the last"
    assert stderr[-1].endswith("go on with: lab sweep toy.ipynb -g width=1,2,3,4,5 --jobs 2 -o out")
    assert sweep(*words) == cli.EXIT_OK
    assert said(capsys)[1][-1] == "lab: 5 of 5 runs are done, 0 failed"


def test_a_selected_setting_is_run_again_with_fresh_seeds(capsys, place):
    words = ("-g", "width=8,16", "--seeds", "2", "-o", "out", "--select", "score")
    assert sweep(*words) == cli.EXIT_OK
    stdout, _ = said(capsys)
    assert any(line.startswith("Selected") and "width=16" in line for line in stdout)
    assert any(line.startswith("With fresh seeds width=16") for line in stdout)
    folder = read_folder(place / "out")
    fresh = [run for run in folder.current.values() if run.purpose == "fresh"]
    assert len(fresh) == 12
    before = times(place / "out")
    assert sweep(*words) == cli.EXIT_OK
    assert said(capsys)[0] == stdout
    assert times(place / "out") == before


def test_what_cannot_be_selected_is_said_when_the_sweep_is_done(capsys, place):
    write_notebook(place / "toy.ipynb", BODY.replace("width + seed % 7", "8"))
    code = sweep("-g", "width=8,9", "-o", "out", "--select", "score:smallest")
    stdout, _ = said(capsys)
    assert code == cli.EXIT_FAILED
    assert any("nothing to select" in line for line in stdout)
    assert (place / "out" / "report.html").is_file()


def test_a_result_that_no_run_hands_over_is_refused_as_soon_as_that_is_known(capsys, place):
    code = sweep("-g", "width=1,2,3,4,5,6", "-o", "out", "-r", "scroe", "--jobs", "2")
    assert code == cli.EXIT_USAGE
    _, stderr = said(capsys)
    assert stderr[-1] == (
        "lab: toy.ipynb has no result 'scroe'; did you mean 'score'? (results: score, params)"
    )
    folder = read_folder(place / "out")
    assert [folder.state(run) for run in folder.current].count("ok") == 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "nothing varies; give -g name=value,value, --list FILE"),
        ("-g widht=1", "no parameter 'widht'; did you mean 'width'?"),
        ("-g width=a,2", "parameter width = 'a' is not of type int"),
        ("-g width=1,1", "axis width has 1 twice; give it once"),
        ("-g width", "'width' is no axis; write name=value,value"),
        ("-g width=1 -g width=2", "width is an axis twice"),
        ("-g width=1..5", "width is a range, which a grid cannot have"),
        ("-g width=1 -p width 3", "width is given by -p and varied as well"),
        ("-g width=1 -p alhpa 3", "no parameter 'alhpa'; did you mean 'alpha'?"),
        ("-g seed=1,2 --seeds 2", "seed is a parameter of the settings already"),
        ("-g width=1 --seeds 0", "--seeds 0: give a number above 0"),
        ("-g width=1 --jobs -1", "--jobs -1: give a number above 0"),
        ("-g width=1 --timeout nan", "--timeout nan: give a number above 0"),
        ("-g width=1 --country XX", "--country XX: no grid intensity"),
        ("-g width=1 --preset smoke", "preset 'smoke': only labs have presets"),
        ("-g width=1 --study bits", "only labs have studies, toy.ipynb is none"),
        ("-g width=1 --select score:big", "--select score:big: write RESULT, or RESULT:smallest"),
        ("-g width=1 --select score", "--select needs two settings at least"),
        ("--draws 3", "--draws needs something to draw from"),
        ("--draws 9 -g width=1..3", "only 3 different settings in 900 draws"),
        ("--draws 3 --list a.csv -g width=1..9", "--list and --draws are two ways"),
        ("--list a.csv -g width=1", "-g and --list are two ways"),
        ("--list a.csv", "a.csv cannot be read"),
        ("--list twice.csv", "settings 1 and 2 are the same (width=3); keep one"),
        ("-g width=1 --scheduler tcp://10.0.0.1:1 --jobs 2", "--jobs is for this machine"),
        ("-g width=1 --scheduler tcp://10.0.0.1:1", "tcp://10.0.0.1:1"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(capsys, place, words, line):
    (place / "twice.csv").write_text("width\n3\n3\n")
    assert sweep(*words.split(), "-o", "out") == cli.EXIT_USAGE
    stdout, stderr = said(capsys)
    assert stdout == []
    [found] = stderr
    assert line in found
    assert not list(place.glob("out/runs/*"))


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("bare.ipynb", "bare.ipynb has no parameters; tag the cell that sets them"),
        ("text.ipynb", "text.ipynb is no notebook"),
        ("none.ipynb", "no notebook none.ipynb"),
        ("quickstrat", "no lab 'quickstrat'; did you mean 'quickstart'?"),
    ],
)
def test_what_is_no_notebook_is_named(capsys, place, target, line):
    assert cli.main(["sweep", target, "-g", "width=1", "-o", "out"]) != cli.EXIT_OK
    assert line in said(capsys)[1][-1]
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--study bist", "lab quickstart has no study 'bist'"),
        ("-g width=4,8 -r top1_flaot", "no result 'top1_flaot'; did you mean 'top1_float'?"),
        ("-g width=4,8 --select top", "lab quickstart has no result 'top'"),
        ("-g width=4,8 --preset smoek", "no preset 'smoek'; did you mean 'smoke'?"),
    ],
)
def test_names_of_a_lab_are_checked_before_anything_runs(capsys, place, words, line):
    assert cli.main(["sweep", "quickstart", *words.split(), "-o", "out"]) == cli.EXIT_USAGE
    assert line in said(capsys)[1][-1]
    assert not (place / "out").exists()


def test_a_study_may_be_made_smaller(capsys, place):
    words = ["sweep", "quickstart", "--study", "bits", "-o", "out", "--dry-run"]
    assert cli.main([*words, "-g", "bits=2,4", "--seeds", "1"]) == cli.EXIT_OK
    few = said(capsys)[0]
    assert cli.main(words) == cli.EXIT_OK
    all_of_it = said(capsys)[0]
    assert int(few[0].split()[0]) < int(all_of_it[0].split()[0])
    assert all("bits=2" in line or "bits=4" in line for line in few if "=" in line)


def test_a_folder_takes_only_runs_that_belong_together(capsys, place):
    assert sweep("-g", "width=8", "-o", "out") == cli.EXIT_OK
    before = (place / "out" / "sweep.json").read_text()
    write_notebook(place / "other.ipynb", BODY)
    for words, line in {
        ("toy.ipynb", "-g", "width=9", "--threads", "2"): "have 1 threads each",
        ("toy.ipynb", "-g", "seed=9", "-p", "width", "9"): "",
        ("toy.ipynb", "-g", "width=9", "-p", "alpha", "0.1"): "another preset or other parameters",
        ("other.ipynb", "-g", "width=9"): "out holds a sweep of toy.ipynb, not of other.ipynb",
    }.items():
        if line:
            for last in ([], ["--dry-run"]):
                code = cli.main(["sweep", *words, "-o", "out", *last])
                assert (code, line in said(capsys)[1][-1]) == (cli.EXIT_USAGE, True)
    assert sweep("-g", "width=9", "-o", "toy.ipynb") == cli.EXIT_USAGE
    assert sweep("-g", "width=9", "-o", ".") == cli.EXIT_USAGE
    assert sweep("-g", "width=9", "-o", "none/out") == cli.EXIT_USAGE
    assert (place / "out" / "sweep.json").read_text() == before


def test_two_sweeps_in_one_folder_are_refused(capsys, place):
    sweep("-g", "width=8", "-o", "out")
    said(capsys)
    with find_folder(place / "out", target="toy.ipynb").claimed():
        assert sweep("-g", "width=8,9", "-o", "out") == cli.EXIT_USAGE
    assert "another sweep works in out" in said(capsys)[1][-1]
    assert len(read_folder(place / "out").asked) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_planning_many_runs_is_cheap_and_writes_nothing(place):
    words = ["sweep", "toy.ipynb", "--draws", "1000", "-g", "width=1..999999", "--seeds", "5"]
    code = (
        "import re, sys, time; from labs.engine import cli; from pathlib import Path\n"
        "code = cli.main(sys.argv[1:]); status = Path('/proc/self/status').read_text()\n"
        # Not ru_maxrss, which begins with the memory of the process that this one was forked from.
        "print(code, time.process_time(), re.search(r'VmHWM:\\s*(\\d+)', status)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "-o", "out", "--dry-run"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    first, *_, last = done.stdout.splitlines()
    exit_code, cpu_s, memory_kib = map(float, last.split())
    assert first.startswith("5000 runs")
    assert exit_code == cli.EXIT_OK
    assert cpu_s < 5
    assert memory_kib * 1024 < 300e6
    assert not (place / "out").exists()


def wait_for(condition):
    """Wait for another process; the bound is for a machine that hangs."""
    end_s = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end_s, "nothing happened"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_runs_keeps_what_is_over_and_says_how_to_go_on(place, number):
    write_notebook(place / "toy.ipynb", "import time\ntime.sleep(600 * (width > 8))", BODY)
    words = ["sweep", "toy.ipynb", "-g", "width=8,9,10", "--jobs", "1", "-o", "out it"]
    process = subprocess.Popen(
        [sys.executable, "-m", "labs.engine.cli", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    runs = place / "out it" / "runs"
    wait_for(lambda: len(list(runs.glob("*/started.json"))) == 2)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    last = stderr.splitlines()[-1]
    assert last.startswith("lab: stopped; 1 of 3 runs are done, 0 failed; go on with: lab sweep")
    assert last.endswith("-g width=8,9,10 --jobs 1 -o 'out it'")
    assert "out it/report.html" in stdout.splitlines()
    assert len(list(runs.glob("*/notebook.json"))) == 1
    wait_for(lambda: not any(each.is_running() for each in below))


def test_two_sweeps_are_compared(capsys, place):
    sweep("-g", "width=8", "--seeds", "2", "-o", "a")
    sweep("-g", "width=8", "--seeds", "2", "-p", "alpha", "0.1", "-o", "b")
    said(capsys)
    assert cli.main(["compare", "a", "b", "-r", "score", "-o", "c.csv"]) == cli.EXIT_OK
    stdout, stderr = said(capsys)
    assert stderr == []
    assert any("alpha" in line for line in stdout)
    assert stdout[-1] == "c.csv"
    assert (place / "c.csv").read_text().count("\n") == 2
    for words, line in {
        ("a", "none"): "none holds no sweep",
        ("a", "a"): "same sweep",
        ("a", "b", "-r", "scroe"): "did you mean 'score'?",
    }.items():
        assert cli.main(["compare", *words]) == cli.EXIT_USAGE
        assert line in said(capsys)[1][-1]
