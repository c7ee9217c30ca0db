"""Every attack at once against ours: one ``course grade`` for a folder of submissions.

Each submission attacks one exercise of the quickstart and answers the other one right. Beside them
stand honest submissions, first and last by name. `Batch` grades them all and says what came of
each.
"""

import copy
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attack_benches import ANSWERS, HIDDEN, ROOT, edited, needs_network
from attack_corpus import Attack
from attack_edits import Desk, code_cell
from attack_world import World, end, listening, reached, written

from labs.engine.seeds import create_secret

LAB = ROOT / "labs" / "quickstart"
OUR_SECRETS = ("The hidden checks of the quickstart", "def strides_that_do_not_divide")
RIGHT = {"0.1": "correct_formula.py", "0.2": "correct_rint.py"}
HONEST = ("aa-honest", "zz-honest")


def notebook_with(answers: dict[str, str]) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """Return the handed-out notebook with answers, and where answer and check of each stand."""
    notebook = json.loads((LAB / "quickstart.ipynb").read_text(encoding="utf-8"))
    places: dict[str, tuple[int, int]] = {}
    for index, cell in enumerate(notebook["cells"]):
        ours = cell["metadata"].get("course", {})
        if ours.get("role") == "solution":
            cell["source"] = answers[ours["exercise"]]
            places[ours["exercise"]] = (index, index)
        elif ours.get("role") == "check":
            places[ours["exercise"]] = (places[ours["exercise"]][0], index)
    return notebook, places


def right(exercise: str) -> str:
    """Return a right answer."""
    text = (ANSWERS / "variants" / exercise / RIGHT[exercise]).read_text(encoding="utf-8")
    return f"# Exercise {exercise}\n{text}"


def submission_of(attack: Attack | None, world: World) -> tuple[bytes, dict[str, bytes]]:
    """Return the notebook that an attack hands in, and the files beside it."""
    answers = {exercise: right(exercise) for exercise in RIGHT}
    if attack is None:
        return json.dumps(notebook_with(answers)[0]).encode(), {}
    sizes = {"many": attack.many, "mib": attack.mib}
    answers[attack.exercise] = world.fill(attack.solution, **sizes)
    notebook, places = notebook_with(answers)
    answer, check = places[attack.exercise]
    (other,) = (places[exercise][0] for exercise in RIGHT if exercise != attack.exercise)
    if attack.extra:
        extra = code_cell(world.fill(attack.extra, **sizes))
        notebook["cells"].insert(answer, extra)
        answer, check, other = answer + 1, check + 1, other + (other > answer)
    desk = Desk(answer=answer, check=check, other_answer=other, drop=str(world.drop))
    return edited(attack, copy.deepcopy(notebook), desk)


@dataclass
class Batch:
    """All submissions of one grading, in a folder outside the places that walls replace.

    Parameters
    ----------
    root
        An empty folder.
    attacks
        What is handed in, by id.
    """

    root: Path
    attacks: dict[str, Attack]
    worlds: dict[str, World] = field(default_factory=dict)
    said: str = ""
    code: int = -1
    found: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """Where grades and feedback are written."""
        return self.root / "out"

    def run(self, *, timeout_s: float) -> None:
        """Hand everything in, grade it, and look at what each attack reached."""
        with ExitStack() as open_:
            for attack in self.attacks.values():
                world = self.worlds[attack.id] = self._world(attack)
                if needs_network(attack):
                    open_.enter_context(listening(world))
                self._hand_in(attack.id, *submission_of(attack, world))
            for name in HONEST:
                self._hand_in(name, *submission_of(None, World(self.root / "worlds" / name)))
            try:
                self._grade(timeout_s)
                self.look()
            finally:
                for world in self.worlds.values():
                    end(world.mark)

    def _world(self, attack: Attack) -> World:
        world = World(self.root / "worlds" / attack.id)
        secret = self.found_course() / ".course" / "secret"
        world.needles += [*OUR_SECRETS, self.token, secret.read_text(encoding="ascii").strip()]
        world.places |= {
            "FOLDER": str(self.root),
            "HIDDEN": str(HIDDEN),
            "COURSE_SECRET": str(secret),
            "DB": str(self.out / "grades.db"),
            "OTHER": str(self.root / "submissions" / HONEST[0] / "quickstart.ipynb"),
            "HOME": str(self.root / "home"),
            "GIVEN": "labs.quickstart.given",
            "LIBRARY": str(ROOT),
        }
        return world

    @property
    def token(self) -> str:
        """A secret of the grader's environment."""
        return f"ENV-{abs(hash(str(self.root))):016x}"

    def _hand_in(self, name: str, notebook: bytes, files: dict[str, bytes]) -> None:
        folder = self.root / "submissions" / name
        folder.mkdir(parents=True)
        for file, content in {**files, "quickstart.ipynb": notebook}.items():
            (folder / file).write_bytes(content)

    def found_course(self) -> Path:
        """Make a course of its own, with a secret: the labs and answers are the repository's."""
        course = self.root / "course"
        if not (course / "course.toml").exists():
            (course / ".course").mkdir(parents=True)
            (course / "labs").symlink_to(ROOT / "labs")
            text = f'title = "Decoys"\nanswers = "{ANSWERS.parent}"\n\n[labs.quickstart]\n'
            (course / "course.toml").write_text(text + "weight = 1.0\n", encoding="utf-8")
            create_secret(course / ".course" / "secret")
        return course

    def _grade(self, timeout_s: float) -> None:
        (self.root / "home").mkdir()
        submissions = str(self.root / "submissions")
        command = [sys.executable, "-m", "grading.cli", "grade", "quickstart", submissions]
        command += ["-o", str(self.out), "--jobs", "2"]
        environment = {
            **os.environ,
            "HOME": str(self.root / "home"),
            "DECOY_TOKEN": self.token,
            "PYTHONPATH": str(ROOT),
        }
        run = subprocess.run(
            command,
            cwd=self.found_course(),
            env=environment,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        self.code = run.returncode
        self.said = (run.stdout + run.stderr).decode("latin-1")

    def look(self) -> None:
        """Read what was written, and find what each attack reached."""
        assert (self.out / "grades.csv").exists(), self.said
        with (self.out / "grades.csv").open(encoding="utf-8", newline="") as file:
            self.rows = {row["submission"]: row for row in csv.DictReader(file)}
        self.texts = {**written(self.out), "the terminal": self.said}
        for attack in self.attacks.values():
            points = float(self.rows[attack.id][attack.exercise] or 0)
            self.found[attack.id] = reached(
                attack,
                self.worlds[attack.id],
                points=points,
                texts=self.texts,
                pages=self.pages(attack.id),
            )

    def pages(self, name: str) -> dict[str, str]:
        """Return what people open: feedback of one submission, the report, tables, the terminal."""
        shown = (f"feedback/{name}/", "report.html", "grades.csv", "the terminal")
        return {path: text for path, text in self.texts.items() if path.startswith(shown)}


def other_points(attack: Attack, row: dict[str, str]) -> float:
    """Return the points of the exercise that was answered right."""
    (other,) = (exercise for exercise in RIGHT if exercise != attack.exercise)
    return float(row[other] or 0)


def names_of(attacks: Iterable[Attack]) -> list[str]:
    """Return the ids of attacks, for messages."""
    return [attack.id for attack in attacks]
