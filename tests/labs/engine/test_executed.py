"""Results and failures are read from an executed notebook as data."""

import pytest

from course_utils import records
from labs.engine import executed

RESULT = {"value": 1.0, "low": 0.5, "high": 2.0, "n": 5, "kind": "measured"}


def cell(source="x", *, status="completed", bundle=None):
    outputs = [] if bundle is None else [{"data": {records.RESULTS_MIME: bundle}}]
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"papermill": {"status": status}},
        "outputs": [{"name": "stdout", "text": "hello"}, *outputs],
    }


def bundle(data="digits", **results):
    return {"data": [data], "results": results}


def test_results_of_all_cells_are_merged_with_their_data():
    cells = [
        cell(bundle=bundle("digits", top1=RESULT)),
        {"cell_type": "markdown", "source": "text"},
        cell(bundle=bundle("mnist", params=RESULT)),
        cell(bundle=bundle("digits")),
    ]
    results, data, failure = executed.collect_results({"cells": cells}, {"top1": "", "params": ""})
    assert (results, data, failure) == (
        {"top1": RESULT, "params": RESULT},
        ("digits", "mnist"),
        None,
    )


def test_what_show_results_hands_over_is_read_back():
    table = records.show_results(data="digits", params=records.counted(3))
    given = table._repr_mimebundle_()[records.RESULTS_MIME]
    results, data, failure = executed.collect_results({"cells": [cell(bundle=given)]}, None)
    assert failure is None
    assert data == ("digits",)
    assert records.result_from_json("params", results["params"]) == records.counted(3)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (bundle(top2=RESULT), "result 'top2' is not declared in lab.toml; did you mean 'top1'"),
        (bundle(params=RESULT), "result 'params' is handed over twice"),
        (bundle(top1={**RESULT, "value": 3.0}), "does not hold 3.0"),
        (bundle(top1={"value": 1.0}), "needs exactly value, low, high, n, kind"),
        (bundle(top1=[]), "needs exactly"),
        ({"results": {}}, "use it"),
        ([], "use it"),
        ("text", "use it"),
    ],
)
def test_the_first_mistake_is_named_with_its_cell_and_what_came_before_is_kept(wrong, named):
    cells = [cell("first", bundle=bundle(params=RESULT)), cell(""), cell("second", bundle=wrong)]
    results, _, failure = executed.collect_results({"cells": cells}, {"top1": "", "params": ""})
    assert results == {"params": RESULT}
    assert (failure.cell, failure.source, failure.name) == (2, "second", "RecordError")
    assert named in failure.message


def test_declared_results_that_are_missing_are_named():
    failure = executed.missing_results({"a": RESULT}, {"a": "", "b": "", "c": ""})
    assert "b, c" in failure.message
    assert executed.missing_results({"a": RESULT}, {"a": ""}) is None


def test_a_notebook_that_stopped_early_is_unfinished():
    cells = [cell("a"), cell(" "), cell("exit()", status="failed"), cell("b", status="pending")]
    failure = executed.unfinished({"cells": cells})
    assert (failure.cell, failure.source, failure.name) == (2, "exit()", "SystemExit")
    assert executed.unfinished({"cells": cells[:2]}) is None


def test_a_failure_is_one_line_without_colours_or_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    source = "\n".join(f"line {number}" for number in range(1, 21))
    failure = executed.failure_at(
        {"cells": [cell(source)]},
        1,
        name="OSError",
        message="\x1b[31mno file\x1b[0m\n/home/someone/a.txt",
    )
    assert failure.describe() == "in cell 1, 'line 1': OSError: no file ~/a.txt"
    assert failure.source.splitlines()[-1] == "... and 12 more lines"
    assert len(executed.clean("x" * 9999)) < 500


def test_a_root_folder_as_home_leaves_messages_alone(monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert executed.clean("a/b") == "a/b"


@pytest.mark.parametrize("number", [None, 0, 2])
def test_a_cell_that_is_not_there_is_not_quoted(number):
    failure = executed.failure_at({"cells": [cell()]}, number, name="E", message="m")
    assert (failure.cell, failure.source) == (None, "")
