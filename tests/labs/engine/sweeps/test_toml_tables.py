"""Keys of a TOML file: what is there, what is left out, and how the rest is refused."""

from pathlib import Path

import pytest

from labs.engine.errors import LabFormatError
from labs.engine.sweeps.toml_tables import Table

TABLE = Table({"a": "one", "b": {"c": 3}, "d": [{"e": 1}, {"e": 2}]}, Path("x.toml"), "top.")


def test_keys_are_asked_for_one_by_one() -> None:
    TABLE.check_keys(("a", "b", "d"))
    assert TABLE.line("a") == TABLE.known("a", ("one", "two"), what="number") == "one"
    assert TABLE.get("z", "a number", accepts=bool, default=7) == 7
    assert TABLE.table("b").content == {"c": 3}
    assert [each.content["e"] for each in TABLE.listed("d")] == [1, 2]
    assert TABLE.table("z").content == {}
    assert TABLE.listed("z") == []


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: TABLE.check_keys(("aa", "b", "d")), "a: unknown key; did you mean 'aa'? (keys: "),
        (lambda: TABLE.line("z"), "z: is missing; give one line of text"),
        (lambda: TABLE.line("b"), "b: {'c': 3} is not one line of text"),
        (lambda: TABLE.known("a", (), what="word"), "a: 'one' is no word (those are: none)"),
        (lambda: TABLE.table("a"), "a: 'one' is not a table"),
        (lambda: TABLE.table("b").table("c"), "b.c: 3 is not a table"),
        (lambda: TABLE.listed("a"), "a: is not a list of tables [[top.a]]"),
        (lambda: TABLE.listed("d")[1].line("e"), "d.2.e: 2 is not one line of text"),
    ],
)
def test_what_is_refused_is_named_in_full(ask, said: str) -> None:
    with pytest.raises(LabFormatError) as caught:
        ask()
    assert str(caught.value).startswith(f"x.toml: top.{said}")
