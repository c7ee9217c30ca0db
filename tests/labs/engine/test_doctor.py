"""The doctor says what is so, and one command for what is not."""

import dataclasses
import gzip
import hashlib
from types import SimpleNamespace

import pytest

from course_utils import data
from labs.engine import doctor
from labs.engine.errors import UsageError
from labs.engine.extras import Extra


def fake_torch(*, cuda=(), mps=False):
    return SimpleNamespace(
        __version__="9.9",
        get_num_threads=lambda: 2,
        cuda=SimpleNamespace(
            is_available=lambda: bool(cuda),
            device_count=lambda: len(cuda),
            get_device_name=lambda index: cuda[index],
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


def gpu_finding(torch):
    return next(finding for finding in doctor.check_torch(torch) if finding.topic == "GPU")


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A registered set of one small file, and the folder where it may be found."""
    content = gzip.compress(b"some data")
    file = data.info("cifar10").files[0]
    file = dataclasses.replace(
        file,
        path="toy/toy.gz",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    info = dataclasses.replace(data.info("cifar10"), name="toy", files=(file,))
    monkeypatch.setattr(data.registry, "list_datasets", lambda: (info,))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "archives"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "archives" / "toy" / "toy.gz"
    place.parent.mkdir(parents=True)
    return info, place, content


def test_this_machine_can_run_the_labs():
    findings = {finding.topic: finding for finding in doctor.diagnose()}
    for topic in ("Python", "packages", "torch", "torchvision", "kernel", "energy", "machine"):
        assert findings[topic].state == doctor.OK, findings[topic]
    assert findings["data digits"].state == doctor.OK
    assert all(f.remedy for f in findings.values() if f.state != doctor.OK and f.topic != "GPU")
    assert all("\n" not in f.text + f.remedy for f in findings.values())


@pytest.mark.parametrize(
    ("torch", "state", "text"),
    [
        (fake_torch(cuda=("A", "B")), doctor.OK, "A, B"),
        (fake_torch(mps=True), doctor.OK, "Apple GPU (MPS)"),
        (fake_torch(), doctor.ABSENT, "none; the labs take the processor and say so"),
    ],
)
def test_names_the_gpu_that_torch_can_use(monkeypatch, torch, state, text):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    finding = gpu_finding(torch)
    assert (finding.state, finding.text, finding.remedy) == (state, text, "")


def test_a_gpu_that_this_torch_cannot_use_gets_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    finding = gpu_finding(fake_torch())
    assert finding.state == doctor.ABSENT
    assert "torch 9.9 cannot use it" in finding.text
    assert finding.remedy.startswith("python -m pip install")


def test_a_broken_torch_is_reported_not_raised(monkeypatch):
    def fail():
        raise RuntimeError("first line\noperator torchvision::nms does not exist")

    monkeypatch.setattr(data, "import_torchvision", fail)
    finding = doctor.diagnose()[4]
    assert (finding.topic, finding.state) == ("torch", doctor.BROKEN)
    assert finding.text == "operator torchvision::nms does not exist"


def test_missing_packages_are_broken_and_quoted_for_the_shell(monkeypatch):
    monkeypatch.setattr(doctor, "missing_requirements", lambda: ("numpy>=2", "torch>=2.9"))
    finding = doctor.check_packages()
    assert finding.state == doctor.BROKEN
    assert finding.remedy == 'python -m pip install "numpy>=2" "torch>=2.9"'


def test_a_missing_extra_says_what_it_costs():
    extra = Extra("mcu", ("a", "b"), ("b",), download_bytes=3 * 2**20, disk_bytes=5 * 2**30)
    finding = doctor.check_extra(extra)
    assert finding.state == doctor.ABSENT
    assert finding.text == "about 3.00 MiB download, 5.00 GiB disk"
    assert finding.remedy.endswith('"mlsys-course[mcu]"')
    assert doctor.check_extra(dataclasses.replace(extra, missing=())).state == doctor.OK


def test_one_extra_in_detail():
    cost, *packages = doctor.diagnose_extra("dev")
    assert cost.topic == "extra dev"
    pytest_finding = next(p for p in packages if p.topic.startswith("pytest>"))
    assert pytest_finding.text == f"{pytest.__version__} installed"
    with pytest.raises(UsageError, match="did you mean 'dev'"):
        doctor.diagnose_extra("devs")


def test_data_sets_absent_here_and_damaged(archive):
    info, place, content = archive
    absent = doctor.check_dataset(info)
    assert (absent.state, absent.remedy) == (doctor.ABSENT, "lab data fetch toy")
    assert absent.text == f"{len(content)} B download"
    place.write_bytes(content)
    assert doctor.check_dataset(info).state == doctor.OK
    place.write_bytes(content[:-1] + b"x")
    damaged = doctor.check_dataset(info)
    assert damaged.state == doctor.DAMAGED
    assert "toy" in damaged.text


def test_a_data_set_of_which_one_split_is_here(archive, monkeypatch):
    info, place, content = archive
    other = dataclasses.replace(info.files[0], path="toy/train.gz", splits=("train",))
    here = dataclasses.replace(info.files[0], splits=("test",))
    both = dataclasses.replace(info, files=(other, here))
    monkeypatch.setattr(data.registry, "list_datasets", lambda: (both,))
    assert doctor.check_dataset(both).state == doctor.ABSENT
    place.write_bytes(content)
    finding = doctor.check_dataset(both)
    assert (finding.state, finding.remedy) == (doctor.PARTIAL, "lab data fetch toy")
    assert finding.text == f"test here and verified; all of it: {2 * len(content)} B download"
    place.write_bytes(content[:-1] + b"x")
    assert doctor.check_dataset(both).state == doctor.ABSENT


def test_a_data_set_that_is_given_or_made_has_no_download(archive, monkeypatch):
    info, _, content = archive
    given = dataclasses.replace(info.files[0], url="")
    made = dataclasses.replace(given, maker="maker.py")
    for file, text, remedy in (
        (given, "no download; COURSE_DATA must hold toy/toy.gz", "export COURSE_DATA=FOLDER"),
        (made, f"{len(content)} B, made here by the extra speech", "lab data fetch toy"),
    ):
        one = dataclasses.replace(info, files=(file,))
        monkeypatch.setattr(data.registry, "list_datasets", lambda one=one: (one,))
        finding = doctor.check_dataset(one)
        assert (finding.state, finding.text) == (doctor.ABSENT, text)
        assert finding.remedy.startswith(remedy)
