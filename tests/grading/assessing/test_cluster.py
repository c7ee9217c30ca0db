"""Grading on a cluster: a real scheduler and two workers over TLS on this machine."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grading.assessing import cluster
from grading.assessing.batch import Order, Roll, grade_all, survey
from grading.assessing.keys import Settings
from grading.assessing.workers import LocalWorkers
from grading.cohort import make_cohort
from grading.course import read_course
from grading.store import Store
from grading.submissions import read_submissions
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.xdist_group("cluster")
QUICK = ("c01-right", "c02-partly-right", "c03-blank", "c09-deleted-cells", "c12-own-ways")


@pytest.fixture
def dask_cluster(start_dask: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    with start_dask(tmp_path) as made:
        yield made


def assessments(folder: Path, submissions: Path, executor: object, watch: object = None) -> dict:
    course = read_course(ROOT)
    lab = course.lab("quickstart")
    exercises = tuple(exercise.id for exercise in course.exercises(lab))
    settings = Settings(exercises, "default", Limits())
    handed_in = read_submissions(submissions, lab=lab, secret=b"s" * 32)
    with Store(folder) as store:
        handed = survey(handed_in)
        order = Order(course, lab, settings)
        roll = Roll(handed_in, handed, {})
        grade_all(store, order, roll=roll, executor=executor, progress=watch or (lambda *_: None))
        return {name: store.entry(name) for name in sorted(store.keys())}


@pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}")
def test_a_cluster_gives_the_grades_of_this_machine_though_a_worker_is_killed(
    dask_cluster: Any, tmp_path: Path
) -> None:
    lab = read_course(ROOT).lab("quickstart")
    make_cohort(lab, tmp_path / "all")
    for name in QUICK:
        for copy in "ab":
            shutil.copytree(tmp_path / "all" / name, tmp_path / "cohort" / f"{name}-{copy}")

    def kill_after_two(done: int, _: int) -> None:
        if done == 2:
            dask_cluster.kill(dask_cluster.workers[0])

    with cluster.Cluster(dask_cluster.address) as executor:
        there = assessments(tmp_path / "there", tmp_path / "cohort", executor, kill_after_two)
    with LocalWorkers(1) as executor:
        here = assessments(tmp_path / "here", tmp_path / "cohort", executor)
    assert there == here
    assert len(there) == 2 * len(QUICK)
