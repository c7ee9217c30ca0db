"""The attacks as data: one table of a file in ``corpus/`` is one attack.

Keys of a table::

    name      what it does, in a few words
    classes   the classes of attack it belongs to, as peers.toml lists them
    aim       what it wants: points, read, write, outlive, reach, exhaust, flood, stop or inject
    payload   code of a solution cell; @WORDS@ are replaced by `attack_world.World`; what it names
              ``loot`` is printed, and raised by the function asked for
    extra     code of a cell of the student's own, before the solution
    exercise  the exercise attacked (0.1); the other one is answered right
    wrong     false if the payload defines the function itself; else a wrong one is put before it
    edit      name of a function of attack_edits.py that changes the whole notebook
    needle    of aim inject: the text that must not arrive as it is
    spoils    true if the attack may also spoil the student's own other exercise
    needs     what the proof without walls needs: root, torch or linux
    unproven  why there is no proof without walls, if there is none
    many, mib sizes asked for behind walls; the proof without walls asks for FEW and LITTLE

A new attack is a new table; nothing else is to be written.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
AIMS = ("points", "read", "write", "outlive", "reach", "exhaust", "flood", "stop", "inject")
FEW, LITTLE = 15, 150
FUNCTIONS = {"0.1": "conv_cost", "0.2": "quantize"}
WRONG = {
    "0.1": "def conv_cost(*args, **kwargs):\n    return (0, 0)\n",
    "0.2": "def quantize(weights, bits):\n    return [0], 0.0\n",
}
# What a payload calls its loot is said wherever student code can say something.
TELL = """
loot = str(loot)[:400]
print(loot)
def {}(*args, **kwargs):
    raise RuntimeError(loot)
"""


@dataclass(frozen=True)
class Attack:
    """One attack of the corpus."""

    id: str
    group: str
    name: str
    classes: tuple[str, ...]
    aim: str
    payload: str = ""
    extra: str = ""
    exercise: str = "0.1"
    wrong: bool = True
    edit: str = ""
    needle: str = ""
    spoils: bool = False
    needs: tuple[str, ...] = ()
    unproven: str = ""
    many: int = 300
    mib: int = 6000

    @property
    def solution(self) -> str:
        """The code of the attacked solution cell, before words are replaced."""
        wrong = WRONG[self.exercise] if self.wrong else ""
        tell = TELL.format(FUNCTIONS[self.exercise]) if "loot" in self.payload else ""
        return f"# Exercise {self.exercise}\n{wrong}{self.payload}{tell}"


def read_corpus() -> dict[str, Attack]:
    """Return every attack by its id."""
    attacks: dict[str, Attack] = {}
    for path in sorted((HERE / "corpus").glob("*.toml")):
        for key, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            lists = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
            assert key not in attacks, f"{path.name}: {key} is there twice"
            attacks[key] = Attack(key, path.stem, **lists)
    return attacks
