"""What judges knows the answers, so that no code it judges may import it, in any lab."""

import pytest

from grading.assessing.kit import MeteredDesk, load_kit
from grading.assessing.room import ExerciseRoom
from labs.engine.catalog import find_labs
from labs.engine.pieces import Piece
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits

LABS = [lab.name for lab in find_labs()]
LIMITS = Limits(cpu_s=20.0, wall_s=60.0)


@pytest.mark.parametrize("name", LABS)
def test_every_exercise_withholds_them(name):
    lab = load_kit(name).lab
    assert all(lab.module_name("checks") in each.withhold for each in lab.exercises.values())


@pytest.mark.xdist_group("attacks")
@pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}")
@pytest.mark.parametrize("name", LABS)
def test_they_cannot_be_imported(name):
    kit = load_kit(name)
    exercise = next(id_ for id_, cases in kit.visible.items() if cases)
    withhold = kit.lab.exercises[exercise].withhold
    cheat = Piece("solution", f"import {kit.lab.module_name('checks')}", exercise)

    def desk():
        return MeteredDesk(limits=LIMITS, withhold=withhold, preload=kit.preload)

    room = ExerciseRoom(exercise, [cheat], open_desk=desk, open_apart=desk, limits=LIMITS, fatal={})
    with room:
        room.try_case(kit.visible[exercise][0], seed=1)
    assert room.endings[cheat].name == "ModuleNotFoundError"  # its file is not there
