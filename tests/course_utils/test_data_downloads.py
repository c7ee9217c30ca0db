"""Downloads: whole and verified or not at all, whatever network, server and disk do."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course_utils import data
from course_utils.errors import DataCorruptError, DataError, DataMissingError

ROOT = Path(__file__).parents[2]


# ---- downloads


@pytest.mark.parametrize(
    ("change", "options", "error", "named"),
    [
        (lambda text: text[:900], {"promised": 5000}, DataMissingError, "ChunkedEncodingError"),
        (lambda text: text[:900], {"promised": -1}, DataCorruptError, "900 bytes"),
        (lambda text: b"X" + text[1:], {}, DataCorruptError, "it was not kept"),
        (lambda text: text + b"more", {}, DataCorruptError, r"sha256 .* expected"),
        (lambda text: b"<html>log in first</html>", {}, DataCorruptError, "25 bytes"),
        (None, {}, DataMissingError, "404"),
    ],
    ids=["broken off", "cut, no length", "other bytes", "too long", "a log-in page", "not there"],
)
def test_a_bad_download_is_never_taken_for_whole(
    world: Any,
    change: Callable[[bytes], bytes] | None,
    options: dict[str, int],
    error: type[DataError],
    named: str,
) -> None:
    whole = world.server.replies.pop("/toy/text.txt")
    if change:
        world.server.replies["/toy/text.txt"] = world.sends(change(world.text), **options)
    for reach in (data.fetch, data.load):
        with pytest.raises(error, match=named) as caught:
            reach("toy")
        assert f"{world.url}/toy/text.txt" in world.one_line(caught)
    assert world.cached() == []
    world.server.replies["/toy/text.txt"] = whole
    assert data.fetch("toy")[0].read_bytes() == world.text
    assert world.cached() == ["toy/text.txt"]


def test_without_a_network_it_is_one_line(world: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/toy/text.txt"
    registry = world.registry / "registry.toml"
    registry.write_text(registry.read_text().replace(f"{world.url}/toy/text.txt", address))
    with pytest.raises(DataMissingError, match=r"failed \(ConnectionError\)") as caught:
        data.load("toy")
    assert "with a network run: lab data fetch toy" in world.one_line(caught)
    assert world.cached() == []


def test_a_silent_server_is_given_up(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.places, "TIMEOUT_S", 0.05)
    world.server.replies["/toy/text.txt"] = world.sends(world.text, chunk=500)
    with pytest.raises(DataMissingError, match=r"failed \(ConnectionError\)"):
        data.fetch("toy")
    assert world.cached() == []


def start_fetch(world: Any, before: str = "") -> subprocess.Popen[str]:
    """Fetch ``toy`` in a process of its own; prints the error, or the path."""
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom course_utils import data, errors\n"
        f"data.registry.registry_folder = lambda: Path({str(world.registry)!r})\n{before}\n"
        "try:\n    print(json.dumps(['ok', str(data.fetch('toy')[0])]))\n"
        "except errors.DataError as err:\n"
        "    print(json.dumps([type(err).__name__, str(err)]))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def wait_until(is_true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end, "waited a minute in vain"
        time.sleep(0.02)


def test_a_killed_download_leaves_nothing_that_counts(world: Any) -> None:
    world.server.replies["/toy/text.txt"] = world.sends(world.text, chunk=5000)
    with start_fetch(world) as process:
        wait_until(lambda: world.server.asked and list(world.cache.rglob(".part-*/*")))
        process.kill()
    left = list((world.cache / "toy").iterdir())
    assert [path.name[:6] for path in left] == [".part-"]
    with pytest.raises(DataMissingError, match="splits there: none"):
        data.locate("toy")
    world.server.replies["/toy/text.txt"] = world.sends(world.text)
    data.fetch("toy")
    assert data.load("toy").source == "cache"


def test_two_processes_may_fetch_at_once(world: Any) -> None:
    world.server.replies["/toy/text.txt"] = world.sends(world.text, chunk=5000)
    with start_fetch(world) as first, start_fetch(world) as second:
        wait_until(lambda: len(world.server.asked) == 2)
        world.server.release.set()
        answers = [json.loads(process.communicate()[0]) for process in (first, second)]
    assert answers == [["ok", str(world.cache / "toy" / "text.txt")]] * 2
    assert world.cached() == ["toy/text.txt"]


# ---- disks


def test_a_disk_that_takes_no_more_is_one_line(world: Any) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))"
    with start_fetch(world, limit) as process:
        kind, text = json.loads(process.communicate()[0])
    assert kind == "DataError"
    assert f"the cache {world.cache / 'toy'} cannot be written (File too large)" in text
    assert "free some space there, or set COURSE_CACHE" in text
    assert world.cached() == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_read_only_cache_is_one_line(
    world: Any, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    for method in ("mkdir", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, method, fail)
            with pytest.raises(DataError, match="set COURSE_CACHE to another folder") as caught:
                data.fetch("toy")
        assert os.strerror(code) in world.one_line(caught)
    assert world.cached() == []


def test_a_cache_that_is_no_folder_is_one_line(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = world.put(world.folder / "taken", b"a file")
    monkeypatch.setenv("COURSE_CACHE", str(taken))
    with pytest.raises(DataError, match="set COURSE_CACHE to another folder") as caught:
        data.load("toy")
    world.one_line(caught)
    assert taken.read_bytes() == b"a file"


def test_a_folder_in_the_place_of_the_file_is_one_line(world: Any) -> None:
    (world.cache / "toy" / "text.txt").mkdir(parents=True)
    with pytest.raises(DataError, match="cannot be written") as caught:
        data.fetch("toy")
    world.one_line(caught)
    assert world.cached() == []
