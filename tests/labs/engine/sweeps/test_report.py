"""The report on a sweep: complete, honest about what is missing, and safe to open."""

import base64
import itertools
import json
from html.parser import HTMLParser

import pytest

from course_utils.records import Result
from labs.engine.errors import RunError
from labs.engine.sweeps.folder import RECORD, Asking, Run, open_folder
from labs.engine.sweeps.report import Choice, write_report
from labs.engine.sweeps.studies import Figure, Study

HOSTILE = "<script>alert('x')</script>"
MACHINE = {
    "processor": "Example CPU",
    "cores": 2,
    "memory_bytes": 8 * 2**30,
    "system": "Linux 6.1",
    "gpus": [],
}
OLD = {
    "notebook": "a" * 64,
    "modules": {"course_utils": "1" * 64},
    "versions": {"torch": "2.12.0"},
    "threads": 1,
}
NOW = {
    "notebook": "a" * 64,
    "modules": {"course_utils": "2" * 64},
    "versions": {"torch": "2.13.0"},
    "threads": 2,
}
FIGURE = Figure("top1", "bits", "width", "Four bits are enough", "lines")
STUDY = Study("bits", "Bits", "What bits cost.", "smoke", None, (), {}, 3, ("top1",), (FIGURE,))


def record(parameters, number, error=None):
    top1 = 0.9 + parameters["bits"] / 100 + number % 3 / 1000
    results = {
        "top1": {"value": top1, "low": top1 - 0.02, "high": top1 + 0.02, "n": 450},
        "size_bytes": dict.fromkeys(("value", "low", "high"), parameters["bits"] * 100) | {"n": 1},
    }
    kinds = {"top1": "measured", "size_bytes": "counted"}
    failure = {"cell": 7, "source": "train()", "name": "RuntimeError", "message": error}
    return {
        "lab": "a lab",
        "parameters": {**parameters, "epochs": 2},
        "status": "failed" if error else "ok",
        "results": {}
        if error
        else {name: {**each, "kind": kinds[name]} for name, each in results.items()},
        "provenance": {
            "started": f"2026-01-01T00:00:{number % 60:02d}+00:00",
            "notebook": "a.ipynb",
            "git": {"commit": "c" * 40, "dirty": True},
            "duration_s": 2.0,
            "cpu_s": 1.5,
            "data": ["digits"],
            "machine": MACHINE,
            **({"error": failure} if error else {}),
        },
    }


def sweep(path, *, bits=(2, 4), widths=(8, 16), seeds=3, failures=None, waiting=0, **asking):
    """A folder whose first runs failed as told and whose last ones are not over."""
    folder = open_folder(path, target="a lab")
    values = itertools.product(bits, widths, range(seeds))
    runs = [
        Run(f"{i:016x}", dict(zip(("bits", "width", "seed"), each, strict=True)), "now")
        for i, each in enumerate(values)
    ]
    asked = Asking(**{"command": "lab sweep it", "origin": "now", "origins": {"now": NOW}} | asking)
    folder.ask(runs, asked)
    for number, run in enumerate(runs[: len(runs) - waiting]):
        finish(folder, run, number, error=(failures or {}).get(number))
    return folder


def finish(folder, run, number=0, error=None):
    made = record(dict(run.parameters), number, error)
    (folder.begin(run.id) / RECORD).write_text(json.dumps(made))


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and its text without markup."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.texts = [], []
        self.source = path.read_text()
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def report(folder, **content):
    return Page(write_report(folder, **content))


def test_a_finished_sweep_has_it_all(tmp_path):
    folder = sweep(tmp_path / "s", results=("top1", "size_bytes"), threads=2)
    choice = Choice(("Selected by its test score.",), {"selected": {"bits": 4, "width": 8}})
    energy = Result(3.0, 1.0, 9.0, n=1, kind="modelled")
    page = report(
        folder,
        figures=STUDY.figures,
        study=STUDY,
        labels={"top1": "Share that is right."},
        choice=choice,
        costs={"energy_j": energy},
    )
    for said in (
        "What bits cost.",
        "12 runs: 12 ended well",
        "Selected by its test score.",
        "Each mark is the mean over n = 3 seeds",
        "top1 size_bytes [B], counted n",
        "0.9210 [0.9185, 0.9235]",  # 0.920, 0.921, 0.922 at bits = 2
        "Share that is right.",
        "cccccccccccc and changes not committed",
        "torch 2.13.0",
        "Example CPU, 2 cores, 8.00 GiB, no GPU, Linux 6.1",
        "epochs = 2",
        "24 s of wall time in 12 runs, 2 s a run",
        "energy_j: 3 J [1, 9], modelled",
        "lab sweep it",
        "Nothing is left to do",
    ):
        assert said in page.text
    assert "Failed runs" not in page.text
    (image,) = page.all("img")
    assert "Lowest: 0.921 [0.919, 0.923] at bits = 2, width = 8" in image["alt"]
    assert base64.b64decode(image["src"].partition(",")[2]).startswith(b"<?xml")


def test_the_page_needs_nothing_else(tmp_path):
    page = report(sweep(tmp_path / "s"), figures=[FIGURE])
    assert not page.all("script")
    assert not page.all("link")
    assert all(each["src"].startswith("data:") for each in page.all("img"))
    assert "default-src 'none'" in page.source


def test_each_cell_of_a_table_has_a_head(tmp_path):
    page = report(sweep(tmp_path / "s", failures={0: "no"}), figures=[FIGURE])
    assert {each.get("scope") for each in page.all("th")} == {"col", "row"}


def test_failed_runs_are_told_by_reason_and_place(tmp_path):
    folder = sweep(tmp_path / "s", failures=dict.fromkeys(range(5), "out of memory") | {6: "other"})
    page = report(folder)
    assert "6 failed" in page.text
    assert "RuntimeError: out of memory" in page.text
    assert page.text.count("out of memory") == 1
    assert f"runs/{0:016x}/" in page.text
    assert "and 2 runs more" in page.text
    assert "log.txt" in page.text
    assert "--retry" in page.text


def test_runs_that_are_not_over_are_counted(tmp_path):
    page = report(sweep(tmp_path / "s", waiting=5), figures=[FIGURE])
    assert "5 not over" in page.text
    assert "5 runs not over yet." in page.text
    assert "The same line again goes on" in page.text


def test_runs_of_earlier_code_are_left_out_and_what_changed_is_said(tmp_path):
    folder = sweep(tmp_path / "s", seeds=1)
    old = [Run(f"old{i}", {"bits": 3, "width": i}, "old") for i in range(2)]
    folder.ask(old, Asking(origin="now", origins={"old": OLD, "now": NOW}))
    finish(folder, old[0])
    page = report(folder)
    assert "4 runs: 4 ended well" in page.text
    assert (
        "2 runs left out. Changed since: code of course_utils (111111111111, now "
        "222222222222), version of torch (2.12.0, now 2.13.0), threads (1, now 2)." in page.text
    )


def test_runs_with_fresh_seeds_stand_apart(tmp_path):
    folder = sweep(tmp_path / "s", seeds=2)
    fresh = [
        Run(f"fresh{i}", {"bits": 2, "width": 8, "seed": 9 + i}, "now", "fresh") for i in (0, 1)
    ]
    folder.ask(fresh)
    for run in fresh:
        finish(folder, run)
    page = report(folder)
    assert "8 runs: 8 ended well , and 2 runs with fresh seeds" in page.text
    assert "took no part in the selection" in page.text


@pytest.mark.parametrize("waiting", [12, 11], ids=["none", "one"])
def test_a_sweep_that_has_hardly_begun(tmp_path, waiting):
    points = Figure("top1", "size_bytes", None, "Bytes", "points")
    page = report(sweep(tmp_path / "s", waiting=waiting), figures=[FIGURE, points])
    assert f"{waiting} not over" in page.text
    if waiting == 12:
        assert "Four bits are enough: not drawn, no run that ended well has top1 yet." in page.text
        assert not page.all("img")


def test_an_empty_folder_has_a_report(tmp_path):
    assert "0 runs" in report(open_folder(tmp_path / "s", target="a lab"), figures=[FIGURE]).text


def test_a_result_that_some_runs_lack(tmp_path):
    folder = sweep(tmp_path / "s")
    for run_id in list(folder.current)[:4]:  # one run of the second setting is among them
        path = folder.place(run_id) / RECORD
        made = json.loads(path.read_text())
        del made["results"]["top1"]
        path.write_text(json.dumps(made))
    page = report(folder, figures=[FIGURE])
    assert "1 of 4 settings missing: no run that ended well has top1." in page.text
    assert "n = 2" in page.text


def test_everything_is_shown_as_text(tmp_path):
    folder = open_folder(tmp_path / "s", target=HOSTILE)
    runs = [Run(f"{i}", {"bits": 2, "name": HOSTILE, "seed": i}, "now") for i in range(3)]
    origin = {**NOW, "versions": {HOSTILE: HOSTILE}}
    asking = Asking(command=HOSTILE, preset=HOSTILE, study=HOSTILE, origin="now")
    folder.ask(runs, Asking(**vars(asking) | {"origins": {"now": origin}}))
    for number, run in enumerate(runs):
        made = record(dict(run.parameters), number, error=HOSTILE if number else None)
        made["provenance"] |= {"data": [HOSTILE], "machine": {"unknown": HOSTILE}}
        (folder.begin(run.id) / RECORD).write_text(json.dumps(made))
    figure = Figure("top1", "name", "bits", HOSTILE, "lines")
    choice = Choice((HOSTILE,), {HOSTILE: {"bits": 2, "name": HOSTILE}})
    page = report(folder, figures=[figure], labels={"top1": HOSTILE}, choice=choice)
    assert not page.all("script")
    assert page.text.count("alert('x')") > 8


def test_hundreds_of_settings_are_cut_and_it_says_where_the_others_are(tmp_path):
    page = report(sweep(tmp_path / "s", bits=range(1, 31), widths=range(8), seeds=1))
    assert "The first 200 of 240; summary.csv has all" in page.text
    assert [each.get("scope") for each in page.all("th")].count("row") == 200


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    folder = sweep(tmp_path / "s", seeds=1)
    (folder.path / "report.html").mkdir()
    with pytest.raises(RunError, match=r"cannot write .*report.html.*no finished run is lost"):
        write_report(folder)
