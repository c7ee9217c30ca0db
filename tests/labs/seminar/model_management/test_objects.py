"""Files named by what they hold."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.model_management.errors import CorruptModelError, MissingFileError
from labs.seminar.model_management.objects import ObjectFolder


@given(contents=st.lists(st.binary(max_size=30), max_size=6))
@settings(max_examples=20, deadline=None)
def test_what_is_put_comes_back_and_equal_bytes_are_one_file(tmp_path_factory, contents):
    objects = ObjectFolder(tmp_path_factory.mktemp("objects"))
    names = [objects.put(data) for data in contents]
    assert names == [hashlib.sha256(data).hexdigest() for data in contents]
    assert [objects.get(name) for name in names] == contents
    assert objects.names() == set(names)


def test_every_turned_bit_is_found_and_putting_again_repairs(tmp_path):
    objects = ObjectFolder(tmp_path)
    name = objects.put(b"weights")
    for bit in range(8 * 7):
        data = bytearray(b"weights")
        data[bit // 8] ^= 1 << bit % 8
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CorruptModelError, match=f"{name[:12]}.*save the model again"):
            objects.get(name)
    objects.put(b"weights")
    assert objects.get(name) == b"weights"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match="abc"):
        ObjectFolder(tmp_path).get("abc")


def test_a_sweep_keeps_what_it_is_told(tmp_path):
    objects = ObjectFolder(tmp_path)
    one, two = objects.put(b"1"), objects.put(b"2")
    (tmp_path / ".temporary-x").write_bytes(b"half")
    assert sorted(objects.sweep({one})) == sorted([two, ".temporary-x"])
    assert objects.names() == {one}
    assert objects.size_bytes(one) == 1


def test_what_was_renamed_and_not_synced_is_synced_by_who_puts_it_again(tmp_path):
    steps = []

    def stop(step):
        steps.append(step)
        if steps.count("fsync folder") == 1 and step == "fsync folder":
            raise KeyboardInterrupt

    folder = ObjectFolder(tmp_path, hook=stop)
    with pytest.raises(KeyboardInterrupt):  # killed between the rename and the folder's sync
        folder.put(b"whole")
    assert folder.names()
    folder.put(b"whole")
    assert steps[-1] == "fsync folder"
    assert steps.count("rename") == 1
