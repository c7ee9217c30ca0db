"""Attacks on the exercises of lab 2 in which ranks talk: each earns nothing behind the walls.

They are graded as submissions are, by the open and the hidden cases, each rank a process of its
own. Honest code passes the same cases.
"""

import tomllib

import pytest
from attack_corpus import HERE

from grading.assessing.kit import MeteredDesk, load_kit
from grading.assessing.room import ExerciseRoom
from labs.engine.pieces import Piece
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits

RINGS = tomllib.loads((HERE / "hostile_rings.toml").read_text(encoding="utf-8"))
ANSWERS = HERE.parents[1] / "grading" / "answers" / "gpu_training" / "variants"
HONEST = {"2.7": "correct_split", "2.8": "correct_plain_numpy", "2.9": "correct_loops"}
# What the attacked cases are about; the other functions of an exercise are no ring.
OTHERS = {
    "2.7": {"five_sizes", "noise_over_five_decades", "repeated_sizes"},
    "2.8": {"five_tensors_into_buckets", "many_sizes", "filled_to_the_brim_or_over"},
    "2.9": {"three_weights_one_step", "several_steps", "a_state_from_elsewhere"}
    | {"a_published_table", "stages_in_float32", "padded_pieces"},
}
SETUP = '''
import numpy as np

def pretend(x, rank, ranks, send, recv):
    """Send what looks right and holds nothing."""
    for _ in range(2 * (ranks - 1)):
        send((rank + 1) % ranks, np.zeros(-(-len(x) // ranks), np.float32))
        recv((rank - 1) % ranks)

def bucket(sizes_bytes, limit_bytes):
    groups = [[]]
    for index in reversed(range(len(sizes_bytes))):
        if sum(sizes_bytes[i] for i in [index, *groups[-1]]) > limit_bytes:
            groups.append([])
        groups[-1].append(index)
    return [group for group in groups if group]
'''

pytestmark = [
    pytest.mark.xdist_group("attacks"),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]


def passed(exercise, code):
    """Return the names of the cases that code passes, and of all."""
    kit = load_kit("gpu_training")
    cases = [*kit.visible[exercise], *kit.hidden[exercise]]
    cases = [case for case in cases if case.name not in OTHERS[exercise]]
    limits = Limits(cpu_s=5.0, wall_s=30.0)

    def desk():
        withhold = kit.lab.exercises[exercise].withhold
        return MeteredDesk(limits=limits, withhold=withhold, preload=kit.preload)

    room = ExerciseRoom(
        exercise,
        [Piece("given", SETUP), Piece("solution", code, exercise)],
        open_desk=desk,
        open_apart=desk,
        limits=limits,
        fatal={},
    )
    with room:
        tried = {case.name: room.try_case(case, seed=2**100 + 7) for case in cases}
    for name, each in tried.items():
        print(name, each.result.passed, each.result.message, each.stopped)
    return {name for name, each in tried.items() if each.result.passed}, set(tried)


@pytest.mark.parametrize("exercise", HONEST)
def test_honest_code_passes(exercise):
    code = (ANSWERS / exercise / f"{HONEST[exercise]}.py").read_text(encoding="utf-8")
    got, every = passed(exercise, code)
    assert got == every


@pytest.mark.parametrize("name", RINGS)
def test_it_earns_nothing(name):
    attack = RINGS[name]
    got, _ = passed(attack["exercise"], attack["code"])
    assert got == set(attack.get("honest", ()))
