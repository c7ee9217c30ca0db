"""Records of a folder as one table: of a sweep, of single runs, and of what is neither."""

import json
import subprocess
import sys

import pytest

from course_utils import records
from course_utils.errors import RecordError

FIXED = ["run", "status", "purpose"]
BEHIND = ["duration_s", "cpu_s", "data", "error"]


def result(value, kind="measured", n=5):
    return {"value": value, "low": value, "high": value, "n": n, "kind": kind}


def record(parameters, results=None, *, error=None):
    provenance = {"duration_s": 2.5, "cpu_s": 2.0, "data": ["digits", "mnist"]}
    return {
        "lab": "toy",
        "parameters": parameters,
        "status": "failed" if error else "ok",
        "results": results or {},
        "provenance": provenance | ({"error": error} if error else {}),
    }


def run(name, parameters, *, origin="now", purpose="asked"):
    return {"id": name, "parameters": parameters, "origin": origin, "purpose": purpose}


@pytest.fixture
def sweep(tmp_path):
    """Write a sweep, and the records of those of its runs that are over."""

    def write(runs, over):
        text = json.dumps({"target": "toy", "origin": "now", "runs": runs})
        (tmp_path / "sweep.json").write_text(text)
        for name, each in over.items():
            place = tmp_path / "runs" / name
            place.mkdir(parents=True)
            (place / "notebook.json").write_text(json.dumps(each))
        return tmp_path

    return write


def test_a_row_a_run_in_the_order_asked_for(sweep):
    error = {"cell": 3, "source": "f()", "name": "ValueError", "message": "no\nmore \ud800"}
    folder = sweep(
        [
            run("b", {"bits": 4}),
            run("a", {"bits": 8}),
            run("c", {"bits": 2}),
            run("d", {"bits": 1}),
        ],
        {
            "b": record({"width": 1.5, "bits": 4}, {"top1": result(0.5), "params": result(7)}),
            "a": record({"width": 1.5, "bits": 8}, {"top1": result(0.6)}, error=error),
        },
    )
    (folder / "runs" / "c").mkdir()
    (folder / "runs" / "c" / "started.json").write_text("{}")
    table = records.load(str(folder))
    of = ["top1", "top1_low", "top1_high", "top1_n", "top1_kind"]
    of += [name.replace("top1", "params") for name in of]
    assert list(table.columns) == [*FIXED, "bits", "width", *of, *BEHIND]
    assert table["run"].tolist() == ["b", "a", "c", "d"]
    assert table["status"].tolist() == ["ok", "failed", "interrupted", "waiting"]
    assert table["bits"].tolist() == [4, 8, 2, 1]
    assert table["width"].isna().tolist() == [False, False, True, True]
    assert table["top1"].tolist()[:2] == [0.5, 0.6]
    assert table["params"].notna().tolist() == [True, False, False, False]
    assert table.loc[0, "top1_kind"] == "measured"
    assert table.loc[0, ["duration_s", "cpu_s", "data"]].tolist() == [2.5, 2.0, "digits, mnist"]
    assert table["error"].tolist() == ["", "cell 3: ValueError: no", "", ""]


def test_runs_of_earlier_code_are_left_out_and_fresh_ones_told(sweep):
    runs = [run("old", {}, origin="then"), run("a", {}), run("b", {"seed": 9}, purpose="fresh")]
    table = records.load(sweep(runs, {name: record({}) for name in ("old", "a", "b")}))
    assert table[["run", "purpose"]].values.tolist() == [["a", "asked"], ["b", "fresh"]]


def test_a_damaged_record_is_a_run_to_do_again(sweep):
    folder = sweep([run("a", {"x": 1})], {"a": {"lab": "toy"}})
    assert records.load(folder)["status"].tolist() == ["waiting"]


def test_one_can_group_by_a_list(sweep):
    widths = {"a": [8], "b": [8, 16], "c": [8]}
    folder = sweep(
        [run(name, {"widths": each}) for name, each in widths.items()],
        {name: record({"widths": each}) for name, each in widths.items()},
    )
    assert records.load(folder).groupby("widths").size().to_dict() == {(8,): 2, (8, 16): 1}


def test_a_name_that_is_taken_gets_another(sweep):
    """Fixed columns come first, then results, then parameters."""
    parameters = {"status": 1, "top1": 2, "top1_low": 3, "error_n": 4, "x": 5, "x_parameter": 6}
    given = {"top1": result(0.5), "top1_high": result(0.6), "error": result(0.7), "x": result(1)}
    (row,) = records.load(sweep([run("a", parameters)], {"a": record(parameters, given)})).to_dict(
        "records"
    )
    assert (row["status"], row["status_parameter"]) == ("ok", 1)
    assert (row["top1"], row["top1_parameter"], row["top1_low_parameter"]) == (0.5, 2, 3)
    assert (row["top1_high"], row["top1_high_result"]) == (0.5, 0.6)
    assert (row["error"], row["error_result"], row["error_n"]) == ("", 0.7, 4)
    assert (row["x"], row["x_parameter"], row["x_parameter_parameter"]) == (1, 5, 6)


def test_a_sweep_without_runs_is_an_empty_table(sweep):
    table = records.load(sweep([], {}))
    assert (len(table), list(table.columns)) == (0, FIXED + BEHIND)


def test_a_folder_of_single_records(tmp_path):
    for name, value in [("two", 2), ("one", 1)]:
        made = record({"x": value}, {"y": result(value)})
        records.write_record(made, tmp_path / f"{name}.json")
    (tmp_path / "one.ipynb").write_text("{}")
    table = records.load(tmp_path)
    assert table[["run", "x", "y", "status"]].values.tolist() == [
        ["one", 1, 1, "ok"],
        ["two", 2, 2, "ok"],
    ]


def test_a_failure_without_a_cell_or_a_message(tmp_path):
    for name, error in [("a", {"name": "TimeoutError", "message": ""}), ("b", {}), ("c", "lost")]:
        records.write_record(record({}, error=error or {"cell": None}), tmp_path / f"{name}.json")
    assert records.load(tmp_path)["error"].tolist() == ["TimeoutError", "error", ""]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"origin": "now", "target": "toy", "runs": [{"origin": "now"}]}',
        '{"origin": "now", "target": "toy", "runs": 3}',
        '{"origin": "", "target": "t", "runs": [{"id": 1, "origin": "", "parameters": []}]}',
    ],
)
def test_a_damaged_sweep_is_one_line(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(RecordError, match=r"^[^\n]*sweep\.json is damaged [^\n]*restore it$"):
        records.load(tmp_path)


def test_no_folder_and_an_empty_one_are_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordError, match=r"holds no sweep and no record; give the folder"):
            records.load(folder)


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(RecordError, match=r"settings\.json is not a record"):
        records.load(tmp_path)


def test_pandas_is_loaded_with_the_table_alone():
    code = "import sys; from course_utils import records; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
