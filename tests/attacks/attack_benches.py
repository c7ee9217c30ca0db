"""The two graders that every attack is tried on: the decoy without walls, and ours.

`prove` hands an attack to `naive.py`, in a process with a time limit; `Batch` hands all attacks to
``course grade`` at once, beside honest submissions, and gives back what became of each.
"""

import contextlib
import json
import os
import py_compile
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import attack_edits
from attack_corpus import FEW, LITTLE, Attack
from attack_world import World, end, listening, reached, written

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
ANSWERS = ROOT / "grading" / "answers" / "quickstart"
HIDDEN = ANSWERS / "hidden.py"
NAIVE_LIMIT_S = 60
LOOP_LIMIT_S = 4
GIVEN = """\
def conv_cost(ins, outs, kernel, height, width, stride=1):
    weights = ins * outs * kernel * kernel
    places = -(-height // stride) * -(-width // stride)
    return weights + outs, weights * places
"""
NAIVE_CHECK = 'got = conv_cost(1, 8, 3, 8, 8)\nassert got == (80, 4608)\n"checked"\n'
NAIVE_HIDDEN = {
    "a": """
        def test():
            got = conv_cost(2, 5, 5, 12, 12)
            if abs(got[0] - 255) > 1e-6 or abs(got[1] - 36000) > 1e-6:
                raise AssertionError("not 255 and 36000")
            got = None
        test()
        """,
    "b": """
        import numpy as np
        assert np.allclose(conv_cost(3, 4, 1, 7, 5), (16, 420))
        """,
}
NETWORK_WORDS = ("@INBOUND@", "@PORT@", "@UDP@", "@SOCKET@", "@ABSTRACT@")


def needs_network(attack: Attack) -> bool:
    """Whether an attack aims at a socket."""
    return any(word in attack.payload for word in NETWORK_WORDS)


# Without walls


def prove(attack: Attack, folder: Path) -> list[str]:
    """Hand an attack to the decoy grader, and return what it reached there."""
    world = World(folder / "world")
    _furnish(world, folder)
    with listening(world) if needs_network(attack) else contextlib.nullcontext():
        notebook, files = _naive_notebook(attack, world)
        _hand_in(folder, "mallory", notebook, files)
        _hand_in(folder, "zora", *_naive_notebook(None, world))
        try:
            ended, said = _grade_naively(folder, world, attack)
            grades_path = folder / "out" / "grades.json"
            grades = json.loads(grades_path.read_text()) if grades_path.exists() else {}
            texts = written(folder / "out") | {"the terminal": said}
            points = grades.get("mallory", 0.0)
            found = reached(attack, world, points=points, texts=texts, pages=texts)
            if grades.get("zora") != 10.0:
                found.append("stopped the grading" if ended else "never let the grading end")
            return found
        finally:
            end(world.mark)


def _furnish(world: World, folder: Path) -> None:
    """Lay out the decoy grader's folder, with secrets where peers have them."""
    for name in ("hidden", "library", "home", "submitted"):
        (folder / name).mkdir(exist_ok=True)
    for key, text in NAIVE_HIDDEN.items():
        code = f"# HIDDEN-{world.token}\n{textwrap.dedent(text)}"
        (folder / "hidden" / f"{key}.py").write_text(code, encoding="utf-8")
    (folder / "library" / "decoy_given.py").write_text(GIVEN, encoding="utf-8")
    py_compile.compile(str(folder / "library" / "decoy_given.py"))
    world.needles += [f"HIDDEN-{world.token}", f"ENV-{world.token}", f"WORK-{world.token}"]
    world.places |= {
        "FOLDER": str(folder),
        "HIDDEN": str(folder / "hidden" / "a.py"),
        "COURSE_SECRET": str(folder / "hidden" / "b.py"),
        "DB": str(folder / "gradebook.db"),
        "OTHER": str(folder / "submitted" / "zora" / "notebook.ipynb"),
        "HOME": str(folder / "home"),
        "GIVEN": "decoy_given",
        "LIBRARY": str(folder / "library"),
    }


def _naive_notebook(attack: Attack | None, world: World) -> tuple[bytes, dict[str, bytes]]:
    answer = f"# Exercise 0.1\n# WORK-{world.token}\n{GIVEN}"
    extra = ""
    if attack is not None:
        answer, extra = (
            world.fill(text, many=FEW, mib=LITTLE) for text in (attack.solution, attack.extra)
        )
    cells = [
        attack_edits.code_cell(extra),
        attack_edits.code_cell(answer),
        attack_edits.code_cell(NAIVE_CHECK, check="check-0-1"),
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    desk = attack_edits.Desk(answer=1, check=2, other_answer=1, drop=str(world.drop))
    return edited(attack, notebook, desk)


def edited(
    attack: Attack | None, notebook: dict[str, Any], desk: attack_edits.Desk
) -> tuple[bytes, dict[str, bytes]]:
    """Return the bytes of a notebook after an attack's edit, and the files beside it."""
    content = None
    if attack is not None and attack.edit:
        content = getattr(attack_edits, attack.edit)(notebook, desk)
    return content or json.dumps(notebook).encode(), desk.files


def _hand_in(folder: Path, name: str, notebook: bytes, files: dict[str, bytes]) -> None:
    work = folder / "submitted" / name
    work.mkdir()
    for file, content in {**files, "notebook.ipynb": notebook}.items():
        (work / file).write_bytes(content)


def _grade_naively(folder: Path, world: World, attack: Attack) -> tuple[bool, str]:
    """Run the decoy grader, bounded; return whether it ended, and what it said."""
    environment = {
        **os.environ,
        "HOME": str(folder / "home"),
        "DECOY_TOKEN": f"ENV-{world.token}",
        "PYTHONWARNINGS": "ignore",
        "IPYTHONDIR": str(folder / "ipython"),
    }
    command = [sys.executable, str(HERE / "naive.py"), str(folder)]
    limit = LOOP_LIMIT_S if attack.aim in ("outlive", "stop") else NAIVE_LIMIT_S
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            process.wait(limit)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        with contextlib.suppress(ProcessLookupError):  # the session is ours
            os.killpg(process.pid, 9)
        process.wait()
    return ended, (folder / "said").read_bytes()[-100_000:].decode("latin-1")
