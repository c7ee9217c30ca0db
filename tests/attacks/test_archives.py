"""Hostile archives and file names, in Moodle's download and in a folder of submissions.

Each is unpacked by somebody who trusts it first, to see that it does what it says. Ours reads the
same archive: nothing appears on disk, and the submission of the other student is there.
"""

import contextlib
import io
import zipfile

import attack_archives
import pytest
from attack_archives import ARCHIVES

from grading.submissions import read_submissions
from labs.engine.catalog import find_lab

LAB = find_lab("quickstart")
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
OTHER = b'{"cells": [], "metadata": {"of": "anna"}, "nbformat": 4, "nbformat_minor": 5}'
NAMES = ["=HYPERLINK(1)", "-cmd", "@SUM(A1)", "a\nb", "\u202etxt", "x" * 200, "CON"]
NAMES += ["A", "a", "<script>alert(1)</script>", "na,me", 'na"me', "\x1b[2J", ".ipynb_checkpoints"]


@pytest.fixture
def place(tmp_path):
    """A folder of decoys with a secret in it."""
    folder = tmp_path / "decoys"
    folder.mkdir()
    (folder / "secret").write_text("DECOY")
    return folder


def fell_for_it(content, folder):
    """Return whether a trusting unpacker wrote outside, read the secret, or would never end."""
    folder.mkdir()
    try:
        attack_archives.unpack(content, folder)
    except attack_archives.Stopped:
        return True
    read = [path.read_text(errors="ignore") for path in folder.glob("*.ipynb")]
    size = sum(path.stat().st_size + 4096 for path in folder.rglob("*") if path.is_file())
    return "DECOY" in read or size > attack_archives.BOMB_BYTES


@pytest.mark.parametrize("make", ARCHIVES, ids=lambda make: make.__name__)
def test_an_archive_does_no_harm(make, place, tmp_path):
    content = make(place, NOTEBOOK)
    _, is_proven = ARCHIVES[make]
    if is_proven:
        assert fell_for_it(content, tmp_path / "naive") or (place / "dcy").exists()
        (place / "dcy").unlink(missing_ok=True)
    download = io.BytesIO()
    with zipfile.ZipFile(download, "w") as archive:
        archive.writestr("Anna_1_assignsubmission_file/quickstart.ipynb", OTHER)
        archive.writestr("Mallory_2_assignsubmission_file/work.zip", content)
    path = tmp_path / "download.zip"
    path.write_bytes(download.getvalue())
    before = {*tmp_path.rglob("*")}
    found = {each.id: each for each in read_submissions(path, lab=LAB)}
    assert {*tmp_path.rglob("*")} == before
    assert len(found) == 2
    anna, mallory = found["moodle-1"], found["moodle-2"]
    assert (anna.notebook, anna.problem, anna.notes) == (OTHER, "", ())
    # Mallory's own notebook, or a reason; never the content of what a link leads to.
    assert mallory.notebook == NOTEBOOK or (mallory.notebook is None and mallory.problem)
    assert "DECOY" not in repr(mallory)


def test_an_archive_as_the_whole_download_is_refused_or_read(place, tmp_path):
    from labs.engine.errors import LabError

    for number, make in enumerate(ARCHIVES):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(make(place, NOTEBOOK))
        with contextlib.suppress(LabError):  # what no person can use is refused with a reason
            list(read_submissions(path, lab=LAB))
    assert not (place / "dcy").exists()


def test_strange_names_lose_no_row(tmp_path):
    """Every folder is one submission with an id of its own that no table takes for a formula."""
    folder = tmp_path / "submissions"
    made = 0
    for name in NAMES:
        work = folder / name
        work.mkdir(parents=True)
        (work / "quickstart.ipynb").write_bytes(NOTEBOOK)
        made += name != ".ipynb_checkpoints"  # what Jupyter leaves behind is nobody's
    found = list(read_submissions(folder))
    ids = [each.id for each in found]
    assert len({each.casefold() for each in ids}) == len(ids) == made
    for each in ids:
        assert each.isascii()
        assert set(each) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        assert each[0] not in "=+-@."


def test_links_in_a_folder_are_not_followed(place, tmp_path):
    folder = tmp_path / "submissions"
    (folder / "mallory").mkdir(parents=True)
    (folder / "mallory" / "quickstart.ipynb").symlink_to(place / "secret")
    (folder / "eve").symlink_to(place)
    (folder / "anna").mkdir()
    (folder / "anna" / "quickstart.ipynb").write_bytes(OTHER)
    found = {each.id: each for each in read_submissions(folder)}
    assert found["anna"].notebook == OTHER
    assert [found[name].notebook for name in ("eve", "mallory")] == [None, None]
    assert "DECOY" not in repr(found)
