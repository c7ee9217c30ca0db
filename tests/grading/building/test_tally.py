"""The checks of every lab are fair: correct variants score full, mistakes and mutants lose."""

from pathlib import Path

import pytest

from grading.building import variants
from grading.building.build import build
from grading.course import read_course
from labs.engine.catalog import Lab, find_labs

COURSE = read_course(Path(__file__).parents[3])
LABS = [
    pytest.param(lab, id=lab.name, marks=pytest.mark.xdist_group(f"tally {lab.name}"))
    for lab in find_labs()
]


@pytest.mark.notebook
@pytest.mark.parametrize("lab", LABS)
def test_variants_and_mutants_of_a_lab(lab: Lab) -> None:
    found = variants.tally(build(COURSE, lab))
    assert list(variants.problem_lines(found)) == []
    code = [exercise.id for exercise in lab.exercises.values() if exercise.kind == "code"]
    assert [each.exercise for each in found] == code
