"""Tables and pictures that a check shows."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from labs.engine import evidence


def test_nothing_is_collected_outside_a_check():
    evidence.table([{"a": 1}])
    with evidence.collecting() as shown:
        pass
    assert shown == []


def test_collecting_is_separate_for_nested_checks():
    with evidence.collecting() as outer:
        evidence.table([{"a": 1}])
        with evidence.collecting() as inner:
            evidence.table([{"b": 2}])
        evidence.table([{"c": 3}])
    assert [list(table.rows[0]) for table in outer] == [["a"], ["c"]]
    assert [list(table.rows[0]) for table in inner] == [["b"]]


def test_pictures_are_pixels_with_an_alternative_text():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    with evidence.collecting() as shown:
        evidence.picture(figure, alt='a "line"')
    assert Image.open(io.BytesIO(shown[0].png)).format == "PNG"
    assert 'alt="a &quot;line&quot;"' in shown[0].html()


@given(st.text(max_size=30), st.text(max_size=30))
def test_tables_never_pass_markup_through(name, value):
    html = evidence.html_table([{name: value}])
    for tag in ("<table>", "</table>", "<tr>", "</tr>", "<th>", "</th>", "<td>", "</td>"):
        html = html.replace(tag, "")
    html = html.replace('<td style="text-align:left">', "")
    assert "<" not in html
    assert ">" not in html


def test_columns_follow_the_first_row_and_gaps_are_empty():
    table = evidence.html_table([{"a": 1, "b": 2, "c": ""}, {"a": 3}])
    assert table.count("<th>") == 2
    assert table.endswith('<td>3</td><td style="text-align:left"></td></tr></table>')
    assert evidence.html_table([]) == ""


def test_arrays_stand_in_a_table():
    table = evidence.html_table([{"yours": np.zeros((4, 3)), "expected": np.array([1, 2])}])
    assert table.endswith("<tr><td>float64 array (4, 3)</td><td>[1, 2]</td></tr></table>")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, 2.5), "(1, 2.5)"),
        ([1, "a"], "[1, 'a']"),
        (np.array([1, 2]), "[1, 2]"),
        (1 / 3, "0.333333"),
        (None, "None"),
    ],
)
def test_brief(value, text):
    assert evidence.brief(value) == text


@given(st.text() | st.lists(st.text(), max_size=6))
def test_brief_is_short(value):
    assert len(evidence.brief(value)) <= 60
