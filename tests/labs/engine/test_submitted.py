"""Reading what was handed in: every flavour of notebook is read, the rest refused with a reason."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine import submitted
from labs.engine.errors import SubmissionError
from labs.engine.submitted import clean_text, joined, read_submitted

CELL = {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": []}
KEYS = {"cell_type", "id", "metadata", "source", "outputs", "attachments"}


def notebook(*cells, **fields):
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, **fields}).encode()


def is_plain(read):
    """Whether a notebook has the form that is promised, whatever it was read from."""
    return all(
        set(cell) == KEYS
        and cell["cell_type"] in submitted.CELL_TYPES
        and clean_text(cell["source"]) == cell["source"]
        and all(isinstance(output, dict) for output in cell["outputs"])
        for cell in read["cells"]
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"\x80\x81{", "UTF-8"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"%PDF-1.7", "PDF"),
        (b"# %%\nimport torch\n", "script"),
        (b"import numpy as np", "script"),
        (b"https://colab.research.google.com/drive/1", "link"),
        (b'{"cells": [{"cell_type": "code"', "breaks off in line 1"),
        (b"no JSON", "no notebook"),
        (b"[]", "no cells"),
        (b"3", "no cells"),
        (b"{}", "no list of cells"),
        (b'{"cells": {"a": 1}}', "no list of cells"),
        (b'{"worksheets": 3}', "no list of cells"),
        (b"[" * 100_000, "levels deep"),
        (b'{"cells":[' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"]}", "levels deep"),
        (b"[" + b"[]," * 600_000 + b"1]", "values"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "no notebook"),
        (notebook(*[CELL] * 5_001), "5,001 cells"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_notebook_is_refused_with_a_reason_and_a_remedy(content, reason):
    with pytest.raises(SubmissionError) as caught:
        read_submitted(content)
    message = str(caught.value)
    assert reason in message
    assert "\n" not in message
    assert "hand" in message


def test_a_file_too_large_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(submitted, "MAX_BYTES", 1_000)
    with pytest.raises(SubmissionError, match="clear all outputs"):
        read_submitted(notebook(CELL) + b" " * 1_000)


def test_brackets_and_commas_in_texts_do_not_count():
    source = 'x = "' + "[{," * 700_000 + '"'
    (cell,) = read_submitted(notebook({**CELL, "source": source}))["cells"]
    assert cell["source"] == source


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n  "])
def test_a_byte_order_mark_and_white_space_do_no_harm(start):
    assert read_submitted(start + notebook(CELL))["cells"][0]["source"] == "x = 1"


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_json_does_not_know_do_no_harm(word):
    content = b'{"cells": [{"cell_type": "code", "source": "x", "outputs": [%s]}], "n": %s}'
    (cell,) = read_submitted(content % (word, word))["cells"]
    assert cell["outputs"] == []


def test_sources_of_any_type_are_texts_afterwards():
    sources = ["a\r\nb\rc", ["a\n", "b"], ["a", 1, None, "b"], None, 3, {"a": 1}, "a\0\ud800"]
    cells = [{**CELL, "source": source} for source in sources]
    read = read_submitted(notebook(*cells))
    found = [cell["source"] for cell in read["cells"]]
    assert found == ["a\nb\nc", "a\nb", "ab", "", "", "", "a\ufffd?"]


def test_cells_and_keys_of_wrong_types_are_dropped():
    odd = {
        "cell_type": 3,
        "metadata": [1],
        "id": {"a": 1},
        "outputs": [1, {"output_type": "stream"}],
        "attachments": "no",
    }
    read = read_submitted(notebook(1, None, [], odd))
    assert read["cells"] == [
        {
            "cell_type": "markdown",
            "id": "",
            "metadata": {},
            "source": "",
            "outputs": [{"output_type": "stream"}],
            "attachments": {},
        }
    ]


def test_only_the_keys_by_which_an_answer_is_found_stay():
    metadata = {
        "tags": ["parameters"],
        "nbgrader": {"grade_id": "answer-0-1", "points": 1e9, "checksum": 3},
        "course": {"exercise": "0.1", "role": ["check"]},
        "id": "colab-id",
    }
    fields = {"metadata": {"course": {"lab": "quickstart", "x": 1}, "kernelspec": {"argv": ["rm"]}}}
    read = read_submitted(notebook({**CELL, "metadata": metadata}, **fields))
    assert read["metadata"] == {"course": {"lab": "quickstart"}}
    (cell,) = read["cells"]
    assert cell["metadata"] == {
        "nbgrader": {"grade_id": "answer-0-1"},
        "course": {"exercise": "0.1"},
    }
    assert cell["id"] == "colab-id"


def test_the_last_of_two_equal_keys_counts():
    content = b'{"cells": 3, "cells": [{"cell_type": "code", "source": "a", "source": "b"}]}'
    assert read_submitted(content)["cells"][0]["source"] == "b"


def test_format_3_is_read():
    cells = [
        {"cell_type": "heading", "level": 1, "source": ["Title"], "metadata": {}},
        {"cell_type": "code", "input": ["x = 1\n", "y"], "prompt_number": 3, "outputs": []},
    ]
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}, {"cells": 3}, None]}
    read = read_submitted(json.dumps(old).encode())
    assert [(c["cell_type"], c["source"]) for c in read["cells"]] == [
        ("markdown", "Title"),
        ("code", "x = 1\ny"),
    ]


def test_pictures_in_the_text_are_taken_out_of_it():
    """Colab puts a pasted picture into the text itself, as megabytes of letters."""
    source = f"see ![a](data:image/png;base64,{'A' * 300_000}) and ![b](data:image/svg+xml;base64,)"
    cells = [{**CELL, "cell_type": kind, "source": source} for kind in ("markdown", "code")]
    text, code = read_submitted(notebook(*cells))["cells"]
    assert text["source"] == "see ![a](picture) and ![b](picture)"
    assert text["attachments"] == {
        "inline 0": {"image/png": "A" * 300_000},
        "inline 1": {"image/svg+xml": ""},
    }
    assert (code["source"], code["attachments"]) == (source, {})


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cells", "source", "metadata", "outputs", "cell_type", "id"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


def is_read_or_refused(content):
    try:
        return is_plain(read_submitted(content))
    except SubmissionError as err:
        return "\n" not in str(err)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content):
    assert is_read_or_refused(content)


@settings(max_examples=200, deadline=None)
@given(ANY_JSON, st.sampled_from([None, "cells", "worksheets"]))
def test_any_json_is_read_or_refused(data, key):
    assert is_read_or_refused(json.dumps({key: data} if key else data).encode())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, ANY_JSON)), max_size=5))
def test_any_list_of_cells_is_read(cells):
    read = read_submitted(json.dumps({"cells": cells}).encode())
    assert len(read["cells"]) == len(cells)
    assert is_plain(read)


@given(st.text())
def test_a_cleaned_text_can_be_stored_and_stays_as_it_is(text):
    cleaned = clean_text(text)
    assert cleaned.encode().decode() == cleaned
    assert clean_text(cleaned) == cleaned
    assert joined([cleaned]) == cleaned
