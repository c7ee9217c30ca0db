"""A file is there whole or not at all, wherever the writing stops."""

import errno

import pytest

from labs.seminar.model_management import disk

STEPS = ("write", "fsync", "rename", "fsync folder")


class Crash(BaseException):
    """The process stops."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_crash_leaves_the_old_file_or_the_new_one(tmp_path, step, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)

    def fail(now):
        if now == step:
            raise Crash

    with pytest.raises(Crash):
        disk.write_whole(path, b"new data", hook=fail)
    found = path.read_bytes() if path.exists() else None
    assert found == (b"new data" if step == "fsync folder" else old)


def test_the_steps_come_in_this_order(tmp_path):
    seen = []
    disk.write_whole(tmp_path / "file", b"abc", hook=seen.append)
    assert tuple(seen) == STEPS
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    def full(step):
        if step == "write":
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        disk.write_whole(tmp_path / "file", b"abc", hook=full)
    assert list(tmp_path.iterdir()) == []
