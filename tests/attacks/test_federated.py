"""Attacks on the exercises of lab 3: none earns a point of a case behind the walls.

They are graded as submissions are, by the open and the hidden cases. Beside each attack the right
answer passes the same cases, written with other types and other orders of sums than the reference.
"""

import functools
import tomllib

import pytest
from attack_corpus import HERE

from grading.assessing.kit import MeteredDesk, load_kit
from grading.assessing.room import ExerciseRoom
from grading.verdict import CaseVerdict
from labs.engine.pieces import Piece
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits

ATTACKS = tomllib.loads((HERE / "hostile_federated.toml").read_text(encoding="utf-8"))
UNUSUAL = tomllib.loads((HERE / "unusual_federated.toml").read_text(encoding="utf-8"))
LIMITS = Limits(cpu_s=5.0, wall_s=30.0)

pytestmark = [
    pytest.mark.xdist_group("attacks"),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]


@functools.cache
def kit():
    """Return the lab with its cases, loaded once."""
    return load_kit("federated_learning")


def tried(exercise, code):
    """Return what the grader finds for each case."""
    cases = [(case, False) for case in kit().visible[exercise]]
    cases += [(case, True) for case in kit().hidden[exercise]]

    def desk():
        withhold = kit().lab.exercises[exercise].withhold
        return MeteredDesk(limits=LIMITS, withhold=withhold, preload=kit().preload)

    room = ExerciseRoom(
        exercise,
        [Piece("given", "import numpy as np"), Piece("solution", code, exercise)],
        open_desk=desk,
        open_apart=desk,
        limits=LIMITS,
        fatal={},
    )
    found = []
    with room:
        for case, is_hidden in cases:
            result = room.try_case(case, seed=2**100 + 7).result
            found.append(
                CaseVerdict(
                    case.name, case.sentence, is_hidden, case.weight, result.passed, result.message
                )
            )
            print(case.name, result.passed, result.message)
    return found


def earned(found):
    """Return the names of the cases that earn points."""
    return {each.name for each in found if each.earns(found)}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_earns_nothing(name):
    attack = ATTACKS[name]
    assert earned(tried(attack["exercise"], attack["code"])) == set(attack.get("honest", ()))


@pytest.mark.parametrize("name", UNUSUAL)
def test_it_is_right_though_unusual(name):
    found = tried(UNUSUAL[name]["exercise"], UNUSUAL[name]["code"])
    assert [each.message for each in found if not each.passed] == []


def test_what_is_open_earns_nothing_alone():
    """Inputs of open cases are known, so each sentence has a hidden case, too."""
    for exercise, cases in kit().visible.items():
        hidden = {each.sentence for each in kit().hidden[exercise]}
        assert not [each.name for each in cases if each.sentence not in hidden], exercise
