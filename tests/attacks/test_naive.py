"""Every attack works where there are no walls: bounded, on decoys, in a process of its own.

Without this, that an attack fails against ours could mean that it does nothing at all.
"""

import os
import sys

import pytest
from attack_benches import prove
from attack_corpus import read_corpus

CORPUS = read_corpus()
PROVEN = [attack for attack in CORPUS.values() if not attack.unproven]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the payloads are for Linux")


@pytest.mark.parametrize("attack", PROVEN, ids=lambda attack: attack.id)
def test_it_works_without_walls(attack, tmp_path):
    if "root" in attack.needs and os.getuid() != 0:
        pytest.skip("its proof needs root")
    assert prove(attack, tmp_path) != []


def test_an_honest_submission_is_graded(tmp_path):
    """The decoy grader gives nothing for a wrong answer, and all points for a right one."""
    from attack_corpus import Attack

    wrong = Attack("wrong", "", "a wrong answer", (), "points")
    assert prove(wrong, tmp_path / "wrong") == []
    right = "def conv_cost(i, o, k, h, w, s=1):\n"
    right += "    n = i * o * k * k\n    return n + o, n * -(-h // s) * -(-w // s)\n"
    honest = Attack("right", "", "a right answer", (), "points", payload=right, wrong=False)
    assert prove(honest, tmp_path / "right") == ["10.0 points"]
