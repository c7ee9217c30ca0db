"""Finding, making and removing control groups, on folders that stand in for the kernel's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labs.engine.sandbox import cgroups
from labs.engine.sandbox.cgroups import Group, Parent
from labs.engine.sandbox.limits import MIB, Limits

LIMITS = Limits(memory_bytes=100 * MIB, processes=10)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Files that appear in a new group, by the folder it is made in."""
    knobs: dict[str, list[str]] = {}
    make, remove = Path.mkdir, Path.rmdir

    def mkdir(path: Path, *arguments: int, **options: bool) -> None:
        make(path, *arguments, **options)
        for name in knobs.get(str(path.parent), []):
            (path / name).touch()

    def rmdir(path: Path) -> None:
        for name in knobs.get(str(path.parent), []):
            (path / name).unlink()
        remove(path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(Path, "rmdir", rmdir)
    return knobs


def describe(tmp_path: Path, *, mounts: str, own: str) -> tuple[Path, Path]:
    (tmp_path / "mounts").write_text(mounts)
    (tmp_path / "own").write_text(own)
    return tmp_path / "mounts", tmp_path / "own"


def test_version_two_uses_the_nearest_group_that_passes_control_on(
    tmp_path: Path, kernel: dict[str, list[str]]
) -> None:
    root = tmp_path / "cg"
    (root / "user" / "session").mkdir(parents=True)
    kernel[str(root / "user")] = ["memory.max", "pids.max", "cgroup.procs"]
    kernel[str(root)] = kernel[str(root / "user")]
    files = describe(tmp_path, mounts=f"none {root} cgroup2 rw 0 0\n", own="0::/user/session\n")
    assert cgroups.find_parents(*files) == (Parent(str(root / "user"), 2, ("memory", "pids")),)
    assert sorted(p.name for p in root.rglob("*")) == ["session", "user"]


def test_version_one_has_a_folder_for_each_controller(
    tmp_path: Path, kernel: dict[str, list[str]]
) -> None:
    memory, pids = tmp_path / "memory", tmp_path / "pids"
    (memory / "job").mkdir(parents=True)
    pids.mkdir()
    kernel[str(memory / "job")] = ["memory.limit_in_bytes"]
    kernel[str(pids)] = ["pids.max"]
    mounts = f"cg {memory} cgroup rw,memory 0 0\ncg {pids} cgroup rw,pids 0 0\n"
    files = describe(tmp_path, mounts=mounts, own="5:memory:/job\n4:pids:/not/mounted/here\n")
    assert cgroups.find_parents(*files) == (
        Parent(str(memory / "job"), 1, ("memory",)),
        Parent(str(pids), 1, ("pids",)),
    )


def test_where_no_group_can_be_made_there_is_none(tmp_path: Path) -> None:
    root = tmp_path / "cg"
    root.mkdir()
    files = describe(tmp_path, mounts=f"none {root} cgroup2 rw 0 0\n", own="0::/\n")
    assert cgroups.find_parents(*files) == ()  # a folder without the kernel's files
    assert cgroups.find_parents(tmp_path / "no", tmp_path / "no") == ()


def test_counts_are_read_from_either_version(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (tmp_path / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    two = Group((Parent(str(tmp_path), 2, ("memory", "pids")),))
    assert cgroups.cpu_s(two) == 2.5
    assert cgroups.is_out_of_memory(two)
    assert cgroups.controls(two) == {"memory", "pids"}
    (tmp_path / "cpuacct.usage").write_text("1500000000\n")
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")
    one = Group((Parent(str(tmp_path), 1, ("memory",)), Parent(str(tmp_path), 1, ("cpuacct",))))
    assert cgroups.cpu_s(one) == 1.5
    assert not cgroups.is_out_of_memory(one)
    assert cgroups.controls(one) == {"memory"}
    assert cgroups.cpu_s(Group(())) is None


def test_groups_of_those_who_are_gone_are_swept(tmp_path: Path) -> None:
    gone, here = tmp_path / f"{cgroups.PREFIX}0", tmp_path / f"{cgroups.PREFIX}{os.getpid()}"
    other = tmp_path / "system.slice"
    for folder in (gone, here, other):
        folder.mkdir()
    cgroups.sweep([Parent(str(tmp_path), 2, ("memory",))])
    assert sorted(tmp_path.iterdir()) == sorted([here, other])


def test_a_real_group_limits_and_goes_away() -> None:
    parents = cgroups.find_parents()
    if not parents:
        pytest.skip("this user may make no control groups here")
    group = cgroups.make(parents, f"{cgroups.PREFIX}{os.getpid()}", limits=LIMITS)
    folders = [Path(parent.folder) for parent in group.folders]
    assert folders
    assert cgroups.controls(group) <= {"memory", "pids"}
    for folder in folders:
        for name, value in (("pids.max", 18), ("memory.limit_in_bytes", 612 * MIB)):
            if (folder / name).exists() and name.partition(".")[0] in str(folder):
                assert int((folder / name).read_text()) == value
    assert not cgroups.is_out_of_memory(group)
    cgroups.remove(group)
    assert not any(folder.exists() for folder in folders)


def test_memory_that_belongs_to_no_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "BASE_BYTES", 0)
    parents = [p for p in cgroups.find_parents() if "memory" in p.controllers]
    if not parents:
        pytest.skip("no control group counts memory here")
    name = f"{cgroups.PREFIX}{os.getpid()}"
    group = cgroups.make(parents, name, limits=Limits(memory_bytes=32 * MIB))
    code = "import mmap; m = mmap.mmap(-1, 64 * 2**20)\nfor i in range(0, len(m), 4096): m[i] = 1"
    procs = f"{group.folders[0].folder}/cgroup.procs"
    enter = f"with open({procs!r}, 'w') as f: f.write('0')\n"
    run = subprocess.run([sys.executable, "-S", "-c", enter + code], check=False)
    is_full = cgroups.is_out_of_memory(group)
    cgroups.remove(group)
    assert (run.returncode, is_full) == (-9, True)
