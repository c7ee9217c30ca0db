"""Output appears whole or not at all, and replaces nothing but the output of a run."""

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from labs.engine.errors import RunError, UsageError
from labs.engine.output import check_output, write_output

RECORD = {"lab": "a", "parameters": {}, "status": "ok", "results": {}, "provenance": {}}
CONTENT = {
    "cells": [{"cell_type": "code", "source": "é = 1", "outputs": [], "metadata": {}}],
    "metadata": {"papermill": {"input_path": "/tmp/x/input.ipynb", "version": "2"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps({**CONTENT, "metadata": {}}))
    return path


def write(target: Path) -> None:
    write_output(target, CONTENT, record=RECORD, source_name="lab.ipynb")


def test_writes_notebook_and_record_without_this_machines_paths(notebook, tmp_path):
    target = tmp_path / "out.ipynb"
    write(target)
    content = json.loads(target.read_text(encoding="utf-8"))
    assert content["cells"] == CONTENT["cells"]
    assert content["metadata"]["papermill"] == {
        "input_path": "lab.ipynb",
        "output_path": "out.ipynb",
        "version": "2",
    }
    assert json.loads((tmp_path / "out.json").read_text()) == RECORD
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "lab.ipynb",
        "out.ipynb",
        "out.json",
    ]


def test_replaces_its_own_output_until_somebody_edits_it(notebook, tmp_path):
    target = tmp_path / "out.ipynb"
    write(target)
    check_output(target, notebook=notebook)
    content = json.loads(target.read_text())
    content["metadata"]["opened"] = True  # JupyterLab adds metadata when it saves
    target.write_text(json.dumps(content))
    check_output(target, notebook=notebook)
    content["cells"][0]["source"] = "my own answer"
    target.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="was edited since"):
        check_output(target, notebook=notebook)


def test_never_replaces_the_notebook_itself(notebook, tmp_path):
    alias = tmp_path / "alias.ipynb"
    alias.symlink_to(notebook)
    twin = tmp_path / "twin.ipynb"
    twin.hardlink_to(notebook)
    for target in (notebook, alias, twin, tmp_path / "." / "lab.ipynb"):
        with pytest.raises(UsageError, match="is the notebook itself"):
            check_output(target, notebook=notebook)


@pytest.mark.parametrize("text", ["", "{}", json.dumps({**CONTENT, "metadata": {}})])
def test_never_replaces_what_no_run_wrote(notebook, tmp_path, text):
    target = tmp_path / "out.ipynb"
    target.write_text(text)
    with pytest.raises(UsageError, match="was not written by a run"):
        check_output(target, notebook=notebook)
    target.unlink()
    (tmp_path / "out.json").write_text(text)
    with pytest.raises(UsageError, match=r"out\.json is there and is no record"):
        check_output(target, notebook=notebook)


def test_folders_and_names_that_cannot_be_are_refused(notebook, tmp_path):
    (tmp_path / "folder.ipynb").mkdir()
    for target, named in (
        (tmp_path / "out.html", "must end in .ipynb"),
        (tmp_path / "nowhere" / "out.ipynb", "is no folder"),
        (notebook / "out.ipynb", "is no folder"),
        (tmp_path / "folder.ipynb", "was not written by a run"),
    ):
        with pytest.raises(UsageError, match=named):
            check_output(target, notebook=notebook)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder nobody can write to")
def test_a_folder_that_cannot_be_written_is_found_before_the_run(notebook):
    with pytest.raises(RunError, match=r"cannot write /proc/out\.ipynb: .*give -o another folder"):
        check_output(Path("/proc/out.ipynb"), notebook=notebook)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_full_disk_leaves_old_output_as_it_was(tmp_path, monkeypatch, failing):
    target = tmp_path / "out.ipynb"
    write(target)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    calls = []

    def full(handle, *arguments, **options):
        calls.append(handle)
        file = real(handle, *arguments, **options)
        if len(calls) == failing:
            file.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file

    real = os.fdopen
    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(RunError, match="No space left on device; nothing was written"):
        write_output(
            target, {**CONTENT, "cells": []}, record={**RECORD, "lab": "b"}, source_name="lab.ipynb"
        )
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_really_full_disk(tmp_path):
    """The notebook fits the file system of 64 KiB, the record beside it no longer does."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("may not mount a small file system")
    try:
        record = {**RECORD, "parameters": {"x": "y" * 70_000}}
        with pytest.raises(RunError, match="No space left on device"):
            write_output(disk / "out.ipynb", CONTENT, record=record, source_name="lab.ipynb")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
