"""Parameters: what a notebook declares, and what text may become of them."""

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from labs.engine.errors import LabFormatError, ParameterError
from labs.engine.parameters import (
    Parameter,
    cell_source,
    parse_parameters,
    read_notebook,
    read_parameters,
    resolve,
)

SOURCE = """\
# What to vary.
seed = 0  # any whole number
rate: float = 0.1  # step size
name = "a # b"
is_fast = False  # skip the slow part
sizes = [1, 2.5]  # widths
words = [
    "a",
]  # over several lines
"""

scalars = st.one_of(
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(),
)


def declared(default):
    return Parameter("x", default, "")


def test_names_defaults_types_and_comments():
    found = parse_parameters(SOURCE)
    assert {name: p.default for name, p in found.items()} == {
        "seed": 0,
        "rate": 0.1,
        "name": "a # b",
        "is_fast": False,
        "sizes": [1, 2.5],
        "words": ["a"],
    }
    assert [p.type_name for p in found.values()] == [
        "int",
        "float",
        "str",
        "bool",
        "list of float",
        "list of str",
    ]
    assert found["rate"].comment == "step size"
    assert found["name"].comment == ""
    assert found["words"].comment == "over several lines"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("x = 1 + y", "x = 1 + y"),
        ("import os", "import os"),
        ("x = y = 1", "x = y = 1"),
        ("x = None", "x = None"),
        ("x = []", "not empty"),
        ("x = [1, 'a']", "list of one of those"),
        ("x = [[1]]", "list of one of those"),
        ("x = {[]: 1}", "literal"),
        ("x = 1e999", "finite"),
        ("x: int", "x: int"),
        ("x, y = 1, 2", "literal"),
        ("x = 1\nx = 2", "x is assigned twice"),
        ("x = (", "no Python"),
    ],
)
def test_refuses_what_is_not_a_literal_given_to_a_name(source, named):
    with pytest.raises(LabFormatError) as caught:
        parse_parameters(source)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        (1, "3", 3),
        (1, " -3 ", -3),
        (1.0, "3", 3.0),
        (1.0, "-1e-3", -0.001),
        (1.0, ".5", 0.5),
        (True, "false", False),
        (False, "True", True),
        ("a", "3", "3"),
        ("a", "", ""),
        ([1], "1,2", [1, 2]),
        ([1], "[1, 2]", [1, 2]),
        ([1, 0.5], "1,2", [1.0, 2.0]),
        (["a"], "b, c", ["b", "c"]),
        (["a"], '["b, c"]', ["b, c"]),
        ([True], "true,false", [True, False]),
    ],
)
def test_text_gets_the_type_of_the_default(default, text, value):
    typed = declared(default).typed(text)
    assert typed == value
    assert repr(typed) == repr(value)  # 3 == 3.0 and 1 == True


@pytest.mark.parametrize(
    ("default", "value", "allowed"),
    [
        (1, "3.5", "whole number"),
        (1, "3.0", "whole number"),
        (1, "1_000", "whole number"),
        (1, "", "whole number"),
        (1, True, "whole number"),
        (1, 3.0, "whole number"),
        (1.0, "nan", "number"),
        (1.0, "1e999", "number"),
        (1.0, 10**400, "number"),
        (1.0, "big", "number"),
        (1.0, None, "number"),
        (True, "1", "true or false"),
        (True, "yes", "true or false"),
        (True, 1, "true or false"),
        ("a", 3, "a text"),
        ([1], "1,,2", "a list"),
        ([1], "[1, 2", "a list"),
        ([1], "[1, [2]]", "a list"),
        ([1], 1, "a list"),
        (["a"], "[1]", "a list"),
    ],
)
def test_other_types_are_refused_with_name_value_and_what_is_allowed(default, value, allowed):
    with pytest.raises(ParameterError) as caught:
        declared(default).typed(value)
    message = str(caught.value)
    assert message.startswith(f"parameter x = {value!r} is not of type ")
    assert allowed in message


@given(scalars)
def test_a_value_of_its_own_type_passes_unchanged(value):
    assert repr(declared(value).typed(value)) == repr(value)


@given(scalars.filter(lambda value: not isinstance(value, str)))
def test_a_number_written_out_is_read_back(value):
    assert repr(declared(value).typed(str(value))) == repr(value)


@given(st.lists(st.integers() | st.text(), min_size=1))
def test_a_list_written_as_json_is_read_back(values):
    for kind in (int, str):
        own = [value for value in values if isinstance(value, kind)]
        if own:
            assert declared(own).typed(json.dumps(own)) == own


@given(st.one_of(scalars, st.lists(st.integers(), min_size=1)))
def test_what_papermill_injects_is_what_was_meant(value):
    """Papermill writes the values as Python source; reading that source gives them back."""
    source = PythonTranslator.codify({"x": value})
    assert repr(parse_parameters(source)["x"].default) == repr(value)


def test_misspelt_parameter_gets_a_suggestion_and_the_list():
    known = parse_parameters("alpha = 0.5\nepochs = 3")
    with pytest.raises(ParameterError) as caught:
        resolve(known, {"alhpa": "1"})
    assert str(caught.value) == (
        "no parameter 'alhpa'; did you mean 'alpha'? (parameters: alpha, epochs)"
    )


def test_notebook_without_the_tag_takes_none():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("alpha = 1")])
    assert read_parameters(notebook) == {}
    with pytest.raises(ParameterError, match="no cell is tagged 'parameters'"):
        resolve(read_parameters(notebook), {"alpha": "2"})


def test_reads_them_from_a_file(tmp_path):
    cell = nbformat.v4.new_code_cell(SOURCE, metadata={"tags": ["parameters"]})
    path = tmp_path / "lab.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert read_parameters(path) == parse_parameters(SOURCE)
    assert isinstance(json.loads(path.read_text())["cells"][0]["source"], list)
    assert cell_source(read_notebook(path)["cells"][0]) == SOURCE


def test_a_cell_of_parameters_that_is_no_python_is_named_with_its_file(tmp_path):
    cell = nbformat.v4.new_code_cell("a = 1\nb = (", metadata={"tags": ["parameters"]})
    path = tmp_path / "lab.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(LabFormatError, match=r"lab\.ipynb: line 2 of the cell .* correct it$"):
        read_parameters(path)


@pytest.mark.parametrize(
    "cell",
    [
        {},
        {"cell_type": "code", "metadata": {}},
        {"cell_type": "code", "source": ""},
        {"cell_type": "slide", "metadata": {}, "source": ""},
        {"cell_type": "code", "metadata": {}, "source": [1]},
    ],
)
def test_a_cell_that_is_none_is_named_by_its_number(tmp_path, cell):
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}))
    with pytest.raises(LabFormatError, match="its cell 1 is not one of format 4"):
        read_notebook(path)


def test_two_tagged_cells_are_refused():
    cell = {"metadata": {"tags": ["parameters"]}, "source": "a = 1"}
    with pytest.raises(LabFormatError, match="2 cells are tagged"):
        read_parameters({"cells": [cell, cell]})


@pytest.mark.parametrize("text", ["", "[]", '{"nbformat": 3}', '{"nbformat": 4}', "\x00", "{"])
def test_a_file_that_is_no_notebook_is_named(tmp_path, text):
    path = tmp_path / "lab.ipynb"
    path.write_text(text)
    with pytest.raises(LabFormatError, match=r"lab\.ipynb is no notebook"):
        read_notebook(path)
