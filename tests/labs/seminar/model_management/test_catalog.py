"""The catalogue: entries go in and out, and transactions hold or do not."""

import sqlite3

import pytest

from labs.seminar.model_management.catalog import Catalog, Entry
from labs.seminar.model_management.errors import ModelStoreError, UnknownModelError


@pytest.fixture
def catalog(tmp_path):
    found = Catalog(tmp_path / "models.db")
    yield found
    found.close()


def add(catalog, name, *, base=None, files=()):
    entry = Entry(name, "full", "h", {"b": "1", "a": "2"}, base, files, {"epochs": 1}, {"n": [1]})
    with catalog.writing():
        catalog.add(entry)
    return entry


def test_an_entry_comes_back_with_its_layers_in_order(catalog):
    entry = add(catalog, "x", files=("f2", "f1"))
    assert catalog.entry("x") == entry
    assert list(catalog.entry("x").layers) == ["b", "a"]
    assert catalog.files() == {"f1", "f2"}


def test_an_error_in_a_block_takes_everything_back(catalog):
    def fails():
        with catalog.writing():
            catalog.add(Entry("x", "full", "h", {}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert catalog.names() == []
    add(catalog, "x")


def test_a_base_must_be_there(catalog):
    with pytest.raises(sqlite3.IntegrityError):
        add(catalog, "x", base="nobody")


def test_a_deleted_base_stays_while_it_is_needed(catalog):
    add(catalog, "a")
    add(catalog, "b", base="a")
    add(catalog, "c", base="b")
    with catalog.writing():
        for name in ("a", "b"):
            catalog.forget(name)
        assert catalog.drop_unneeded() == []
    with pytest.raises(UnknownModelError, match="'a'; those kept here: c"):
        catalog.entry("a")
    assert catalog.entry("a", deleted=True).name == "a"
    with catalog.writing():
        catalog.forget("c")
        assert catalog.drop_unneeded() == ["c", "b", "a"]
    assert not catalog.has_row("a")
    assert catalog.files() == set()


def test_another_version_is_refused(tmp_path):
    path = tmp_path / "models.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(ModelStoreError, match="version 9; this code reads version 1"):
        Catalog(path)


def test_what_one_process_commits_another_one_reads(tmp_path, catalog):
    add(catalog, "x")
    other = Catalog(tmp_path / "models.db")
    assert other.names() == ["x"]
    other.close()
