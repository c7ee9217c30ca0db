"""Results, the table that hands them over, and the record of a run."""

import errno
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import records
from course_utils.errors import RecordError
from course_utils.records import Result

finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def results(draw):
    low, value, high = sorted(draw(st.tuples(finite, finite, finite)))
    return Result(
        value, low, high, draw(st.integers(1, 10**9)), draw(st.sampled_from(records.KINDS))
    )


def record_with(**changes):
    base = {
        "lab": "toy",
        "parameters": {"seed": 0},
        "status": "ok",
        "results": {"top1": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9, "kind": "measured"}},
        "provenance": {},
    }
    return base | changes


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), results(), max_size=4)
)
def test_results_survive_the_way_through_the_notebook(given_results):
    table = records.show_results(data="digits", **given_results)
    bundle = json.loads(json.dumps(table._repr_mimebundle_()[records.RESULTS_MIME]))
    back = {name: records.result_from_json(name, r) for name, r in bundle["results"].items()}
    assert back == given_results
    assert bundle["data"] == ["digits"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ((1.0, 2.0, 3.0, 1, "measured"), "interval"),
        ((float("nan"), 0.0, 1.0, 1, "measured"), "finite"),
        ((1.0, 0.0, float("inf"), 1, "measured"), "finite"),
        (("1", 0.0, 1.0, 1, "measured"), "finite"),
        ((1.0, 0.0, 1.0, 0, "measured"), "n must be"),
        ((1.0, 0.0, 1.0, 1.5, "measured"), "n must be"),
        ((1.0, 0.0, 1.0, 1, "guessed"), "guessed"),
    ],
)
def test_what_is_no_result_is_refused(fields, word):
    with pytest.raises(RecordError, match=word):
        Result(*fields)


def test_one_observation_does_not_pass_for_a_certain_one():
    once = Result(3e6, 3e6, 3e6, n=1, kind="measured")
    assert once.describe("peak_memory_bytes") == "3,000,000 B (one observation, no interval)"


def test_results_need_results_and_data():
    with pytest.raises(RecordError, match="top1 is a float"):
        records.show_results(data="digits", top1=0.5)
    with pytest.raises(RecordError, match="name the data"):
        records.show_results(data="")


def test_html_escapes_names_of_data():
    table = records.show_results(data="<b>", params=records.counted(1))
    assert "&lt;b&gt;" in table._repr_mimebundle_()["text/html"]


def test_a_table_aligns_texts_left_and_writes_the_rest_as_told():
    rows = [{"name": "a", "n": 12345, "empty": ""}, {"name": "<b>"}]
    table = records.html_table(rows, caption="1 < 2", write=lambda n: f"{n:,}")
    assert table == (
        "<table><caption>1 &lt; 2</caption><tr><th>name</th><th>n</th></tr>"
        '<tr><td style="text-align:left">a</td><td>12,345</td></tr>'
        '<tr><td style="text-align:left">&lt;b&gt;</td><td style="text-align:left"></td></tr>'
        "</table>"
    )
    assert records.html_table([]) == ""


def test_a_text_without_a_blank_may_break_where_the_table_would_get_too_wide():
    (plain, broken) = (
        records.html_table([{"text": "ab " * 40}]),
        records.html_table([{"text": "ab" * 40}]),
    )
    assert "overflow-wrap" not in plain
    assert "overflow-wrap:anywhere" in broken


@pytest.mark.parametrize(
    ("record", "word"),
    [
        ([], "list"),
        ({"lab": "x"}, "got lab"),
        (record_with(status="fine"), "fine"),
        (record_with(parameters=[]), "parameters"),
        (record_with(results={"top1": {"value": 1}}), "top1"),
        (record_with(more=1), "more"),
    ],
)
def test_ill_formed_records_are_named(record, word):
    with pytest.raises(RecordError, match=word):
        records.validate_record(record)


def test_a_record_is_written_and_read_back(tmp_path):
    path = records.write_record(record_with(), tmp_path / "run.json")
    assert records.read_record(path) == record_with()
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"lab":')
    with pytest.raises(RecordError, match=r"run\.json is not a record"):
        records.read_record(path)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = records.write_record(record_with(), tmp_path / "run.json")

    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        records.write_record(record_with(lab="new"), path)
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
    assert records.read_record(path)["lab"] == "toy"
