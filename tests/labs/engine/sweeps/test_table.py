"""The tables of a sweep: rows, means over seeds, and files that a spreadsheet may open."""

import csv
import errno
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import records, stats
from course_utils.records import Result, counted
from labs.engine.errors import RunError
from labs.engine.sweeps import table as tables
from labs.engine.sweeps.folder import Asking, Run, open_folder
from labs.engine.sweeps.table import Row, read_rows, summarise, write_tables

NO_PYARROW = """
import sys
sys.modules["pyarrow"] = None
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "pyarrow" else find(name)
from pathlib import Path
from labs.engine.sweeps.folder import read_folder
from labs.engine.sweeps.table import read_rows, write_tables
folder = read_folder(Path(sys.argv[1]))
print(*[path.name for path in write_tables(folder, read_rows(folder))], "pandas" in sys.modules)
"""


def measured(value, low=None, high=None, n=30):
    return Result(
        value, value if low is None else low, value if high is None else high, n, "measured"
    )


def row(results=None, *, seed=None, state="ok", purpose="asked", **setting):
    name = json.dumps([setting, seed, purpose])
    return Row(name, setting, seed, purpose, state, results or {}, 1.0, 1.0, "")


def write(folder, name, *, parameters=None, results=None, error=None):
    place = folder.begin(name)
    record = {
        "lab": "toy",
        "parameters": {**folder.asked[name].parameters, **(parameters or {})},
        "status": "failed" if error else "ok",
        "results": {each: vars(result) for each, result in (results or {}).items()},
        "provenance": {"duration_s": 2.5, "cpu_s": 2.0, "data": ["digits"], "error": error},
    }
    records.write_record(record, place / "notebook.json")


@pytest.fixture
def folder(tmp_path):
    made = open_folder(tmp_path / "sweep", target="toy")
    made.ask([Run("old", {"x": 1}, "then")], Asking(origin="then"))
    runs = [Run(f"{x}{seed}", {"x": x, "seed": seed}, "now") for x in (2, 1) for seed in (0, 1)]
    made.ask([*runs, Run("15", {"x": 1, "seed": 5}, "now", "fresh")], Asking(origin="now"))
    return made


def test_a_setting_is_the_same_one_however_it_was_asked_for(tmp_path):
    made = open_folder(tmp_path / "sweep", target="toy")
    kept = [Run(f"s{seed}", {"seed": seed}, "now") for seed in (0, 1)]
    varied = [Run(f"{x}{seed}", {"x": x, "seed": seed}, "now") for x in (1, 2) for seed in (2, 3)]
    made.ask([*kept, *varied, Run("open", {"x": 2, "seed": 4}, "now")], Asking(origin="now"))
    for run in kept:
        write(made, run.id, parameters={"x": 1}, results={"top1": measured(0.5)})
    for run in varied:
        write(made, run.id, results={"top1": measured(0.5)})
    found = summarise(read_rows(made))
    assert [(each.setting, len(each.rows), each.open) for each in found] == [
        ({"x": 1}, 4, 0),
        ({"x": 2}, 2, 1),
    ]


@pytest.fixture
def finished(folder):
    """Two runs ended well, one failed, one was interrupted, one not begun; a fresh one is over."""
    more = {"parameters": {"width": 0.5}}
    write(folder, "old", results={"top1": measured(0.1)})
    write(folder, "20", results={"top1": measured(0.75), "params": counted(7)}, **more)
    write(folder, "21", results={"top1": measured(0.25), "params": counted(7)}, **more)
    write(folder, "10", error={"cell": 2, "name": "=cmd()", "message": "no\nway"})
    folder.begin("11")
    write(folder, "15", results={"top1": measured(0.5, 0.4, 0.7)}, **more)
    return folder


# Rows


def test_rows_are_the_runs_of_this_origin_in_order(finished):
    rows = read_rows(finished)
    assert [(each.run_id, each.setting, each.seed, each.purpose, each.state) for each in rows] == [
        ("20", {"x": 2}, 0, "asked", "ok"),
        ("21", {"x": 2}, 1, "asked", "ok"),
        ("10", {"x": 1}, 0, "asked", "failed"),
        ("11", {"x": 1}, 1, "asked", "interrupted"),
        ("15", {"x": 1}, 5, "fresh", "ok"),
    ]
    assert rows[0].results == {"top1": measured(0.75), "params": counted(7)}
    assert (rows[0].duration_s, rows[0].cpu_s, rows[0].error) == (2.5, 2.0, "")
    assert (rows[2].error, rows[2].duration_s) == ("cell 2: =cmd(): no", 2.5)
    assert (rows[3].results, rows[3].duration_s, rows[3].cpu_s) == ({}, None, None)


def test_a_seed_that_is_no_whole_number_belongs_to_the_setting(tmp_path):
    made = open_folder(tmp_path / "sweep", target="toy")
    made.ask([Run("a", {"seed": "x"}), Run("b", {"seed": True}), Run("c", {})])
    assert [(each.setting, each.seed) for each in read_rows(made)] == [
        ({"seed": "x"}, None),
        ({"seed": True}, None),
        ({}, None),
    ]


# Summaries


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_a_mean_is_that_of_stats(values):
    rows = [row({"loss": measured(value, n=50)}, seed=seed) for seed, value in enumerate(values)]
    (summary,) = summarise(rows)
    expected = stats.mean_interval(values)
    result = summary.results["loss"]
    assert summary.over_seeds
    assert (result.n, result.kind) == (len(values), "measured")
    close = pytest.approx((expected.value, expected.low, expected.high), rel=1e-12, abs=1e-9)
    assert (result.value, result.low, result.high) == close


def test_the_mean_by_hand():
    """Of 1 and 3: mean 2, s = sqrt 2, so t(0.975, 1 degree) * s / sqrt 2 = 12.706."""
    (summary,) = summarise([row({"y": measured(value)}, seed=value) for value in (1, 3)])
    result = summary.results["y"]
    assert (result.value, result.low, result.high) == pytest.approx(
        (2, -10.7062, 14.7062), rel=1e-5
    )


def test_a_single_run_keeps_its_own_interval():
    own = measured(0.5, 0.4, 0.7)
    (summary,) = summarise([row({"top1": own}, x=1), row(state="failed", seed=1, x=1)])
    assert (summary.results, summary.over_seeds) == ({"top1": own}, False)
    assert (summary.failed, summary.open) == (1, 0)


def test_settings_come_in_order_and_their_runs_by_seed():
    rows = [
        row(seed=4, x=2),
        row(seed=3, x=2),
        row(seed=0, x=1, state="waiting"),
        row(seed=1, x=1, state="interrupted"),
        row(x=2),
    ]
    first, second = summarise(rows)
    assert (first.setting, [each.seed for each in first.rows]) == ({"x": 2}, [None, 3, 4])
    assert (second.setting, second.rows, second.open, second.results) == ({"x": 1}, (), 2, {})
    assert not second.over_seeds


def test_fresh_runs_are_kept_apart(finished):
    rows = read_rows(finished)
    assert [each.setting for each in summarise(rows)] == [{"x": 2}, {"x": 1}]
    (fresh,) = summarise(rows, purpose="fresh")
    assert (fresh.setting, fresh.results["top1"]) == ({"x": 1}, measured(0.5, 0.4, 0.7))


def test_n_says_where_a_result_is_missing():
    rows = [
        row({"y": measured(seed)} | ({"z": measured(1, 0, 2)} if seed else {}), seed=seed)
        for seed in (0, 1)
    ]
    (summary,) = summarise(rows)
    assert summary.results["y"].n == 2
    assert summary.results["z"] == Result(1, 1, 1, n=1, kind="measured")


def mean_of(*results):
    (summary,) = summarise([row({"y": each}, seed=seed) for seed, each in enumerate(results)])
    return summary.results.get("y")


def test_exact_counts_stay_exact_until_they_differ():
    assert mean_of(counted(7), counted(7), counted(7)) == Result(7, 7, 7, n=3, kind="counted")
    differing = mean_of(counted(7), counted(9))
    assert (differing.value, differing.kind, differing.n) == (8, "measured", 2)


def test_the_weakest_kind_is_that_of_the_mean():
    def of(kind):
        return Result(1.0, 1.0, 1.0, n=5, kind=kind)

    assert mean_of(of("counted"), of("measured")).kind == "measured"
    assert mean_of(of("modelled"), of("measured")).kind == "modelled"
    assert mean_of(of("modelled"), of("counted"), of("assumed")).kind == "assumed"


def test_more_seeds_make_no_model_truer():
    """The runs' own intervals have the mean [1, 9.5]; seeds alone would say 4.99 to 5.01."""
    runs = [Result(5.0 + d, 1.0 + d, 9.5 + d, n=1, kind="modelled") for d in (-1e-4, 0, 1e-4)]
    result = mean_of(*runs)
    assert (result.low, result.value, result.high) == pytest.approx((1.0, 5.0, 9.5))


def test_a_mean_that_no_float_holds_is_left_out():
    assert mean_of(measured(1.7e308), measured(1.6e308)) is None


# Files


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_results_have_the_columns_of_load(finished):
    write_tables(finished, read_rows(finished))
    loaded = records.load(finished.path)
    written = read_csv(finished.path / "results.csv")
    assert list(written[0]) == list(loaded.columns)
    assert [each["run"] for each in written] == loaded["run"].tolist()
    assert [each["top1"] for each in written] == ["0.75", "0.25", "", "", "0.5"]
    assert [each["width"] for each in written] == ["0.5", "0.5", "", "", "0.5"]
    assert written[2]["error"] == "cell 2: =cmd(): no"


def test_the_summary_says_what_its_numbers_are(finished):
    write_tables(finished, read_rows(finished))
    first, second, fresh = read_csv(finished.path / "summary.csv")
    half = 12.706204736 * 0.25  # t at 1 degree of freedom, s / sqrt(2) = 0.25
    assert first == {
        "x": "2", "purpose": "asked", "runs": "2", "failed": "0", "open": "0",
        "interval": "over seeds",
        "top1_mean": "0.5", "top1_low": first["top1_low"], "top1_high": first["top1_high"],
        "top1_n": "2", "top1_kind": "measured",
        "params_mean": "7", "params_low": "7", "params_high": "7",
        "params_n": "2", "params_kind": "counted",
    }  # fmt: skip
    assert float(first["top1_low"]) == pytest.approx(0.5 - half)
    assert float(first["top1_high"]) == pytest.approx(0.5 + half)
    assert [second[name] for name in ("x", "runs", "failed", "open", "interval", "top1_n")] == [
        "1", "0", "1", "1", "", "",
    ]  # fmt: skip
    assert [fresh[name] for name in ("purpose", "interval", "top1_n", "params_n")] == [
        "fresh", "of one run", "30", "",
    ]  # fmt: skip


def test_no_cell_is_a_formula(tmp_path):
    made = open_folder(tmp_path / "sweep", target="toy")
    runs = [
        Run("a", {"name": "=1+1", "widths": [8, 16], "flag": True, "runs": -3}),
        Run("b", {"name": "two\nlines", "widths": [], "flag": False, "runs": 1}),
    ]
    made.ask(runs)
    write(made, "a", error={"cell": None, "name": "=HYPERLINK(1)", "message": '";=1'})
    write(made, "b", results={"@top": counted(-1)})
    write_tables(made, read_rows(made))
    first, second = read_csv(made.path / "results.csv")
    assert first["error"] == "'=HYPERLINK(1): \";'=1"
    assert (first["name"], second["name"]) == ("'=1+1", "two lines")
    assert (first["widths"], second["widths"], first["flag"]) == ("[8, 16]", "[]", "True")
    assert first["runs"] == "-3"
    assert second["'@top"] == "-1"
    summaries = read_csv(made.path / "summary.csv")
    assert [each["runs_parameter"] for each in summaries] == ["-3", "1"]
    assert [each["runs"] for each in summaries] == ["0", "1"]
    assert summaries[1]["'@top_mean"] == "-1"


@pytest.mark.parametrize("runs", [[], [Run("a", {"x": 1}, "")]])
def test_nothing_is_finished_yet(tmp_path, runs):
    made = open_folder(tmp_path / "sweep", target="toy")
    made.ask(runs)
    paths = write_tables(made, read_rows(made))
    assert [len(read_csv(path)) for path in paths if path.suffix == ".csv"] == [len(runs)] * 2


def test_without_pyarrow_there_is_no_parquet_and_no_old_one_stays(finished):
    old = finished.path / "results.parquet"
    old.write_text("of an earlier try")
    command = [sys.executable, "-c", NO_PYARROW, str(finished.path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["results.csv", "summary.csv", "False"]
    assert not old.exists()


def test_parquet_holds_the_same(finished):
    pytest.importorskip("pyarrow")
    import pandas as pd

    write_tables(finished, read_rows(finished))
    loaded = records.load(finished.path)
    pd.testing.assert_frame_equal(pd.read_parquet(finished.path / "results.parquet"), loaded)
    assert not [each.name for each in finished.path.iterdir() if each.name.startswith(".results")]


def test_parquet_writes_lists_as_texts_and_flags_that_are_missing(tmp_path):
    pytest.importorskip("pyarrow")
    import pandas as pd

    made = open_folder(tmp_path / "sweep", target="toy")
    made.ask([Run("a", {"widths": [8], "flag": True}), Run("b", {"widths": []})])
    write_tables(made, read_rows(made))
    read = pd.read_parquet(made.path / "results.parquet")
    assert read["widths"].tolist() == ["[8]", "[]"]
    assert read["flag"].tolist() == [True, None]


def test_a_full_disk_is_one_line_and_keeps_the_old_table(finished, monkeypatch):
    write_tables(finished, read_rows(finished))
    old = (finished.path / "results.csv").read_text()

    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables, "write_atomically", full)
    with pytest.raises(RunError, match=r"cannot write the tables .*No space left.*same command"):
        write_tables(finished, read_rows(finished))
    assert (finished.path / "results.csv").read_text() == old
