"""A decoy grader, as small and as trusting as peers: what the attacks are proved on.

``python naive.py FOLDER`` grades every ``FOLDER/submitted/NAME/notebook.ipynb``. Like nbgrader it
runs the student's cells and the tests in one interpreter, takes the grade from the outputs that
this interpreter shows, and keeps grades in SQLite; like otter it reads the result of that process
with pickle; like papermill it runs check cells as they were submitted. Its only limits keep the
proofs from harming the machine. It is made to be beaten: nothing of the project uses it, and it
grades decoys only.
"""

import importlib
import json
import os
import pickle
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

MEMORY_BYTES, FILE_BYTES = 1500 * 2**20, 300 * 2**20
VISIBLE_POINTS, HIDDEN_POINTS = 5.0, 2.5


def grade_all(folder: Path) -> None:
    """Grade one submission after the other, in the order of their names."""
    out = folder / "out"
    (out / "feedback").mkdir(parents=True, exist_ok=True)
    table = sqlite3.connect(folder / "gradebook.db")
    table.execute("CREATE TABLE IF NOT EXISTS grade (student TEXT PRIMARY KEY, score REAL)")
    table.commit()
    for work in sorted((folder / "submitted").iterdir()):
        result = grade_one(folder, work)
        table.execute("INSERT OR IGNORE INTO grade VALUES (?, ?)", (work.name, result["score"]))
        table.commit()
        page = "".join(f"<div>{text}</div>\n" for text in result["shown"])
        (out / "feedback" / f"{work.name}.html").write_text(page, encoding="utf-8")
    rows = table.execute("SELECT student, score FROM grade").fetchall()
    lines = "".join(f"{student},{score}\n" for student, score in rows)
    (out / "grades.csv").write_text("student,score\n" + lines, encoding="utf-8")
    (out / "grades.json").write_text(json.dumps(dict(rows)), encoding="utf-8")


def bound() -> None:
    """Limit this process and those below it, so that no proof can harm the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def grade_one(folder: Path, work: Path) -> dict:
    """Run a submission in a process of its own and believe what it says about itself."""
    for archive in work.glob("*.zip"):
        shutil.unpack_archive(archive, work)
    command = [sys.executable, __file__, "--run", str(folder), str(work)]
    environment = {**os.environ, "NBGRADER_EXECUTION": "autograde"}
    run = subprocess.run(command, cwd=work, env=environment, capture_output=True, check=False)
    said = run.stdout.decode(errors="replace")
    sys.stderr.write(said[-2000:])  # progress, as the terminal shows it
    if (work / "results.pkl").exists():
        with (work / "results.pkl").open("rb") as file:
            result = pickle.load(file)
    elif claimed := re.search(r"^score: ([\d.]+)", said, re.MULTILINE):
        result = {"score": float(claimed[1]), "shown": []}
    else:
        raise RuntimeError(f"{work.name} left no result: {run.stderr.decode()[-2000:]}")
    result["shown"].append(said)
    return result


OUTPUTS: list[tuple[str, str]] = []


def run_one(folder: Path, work: Path) -> None:
    """Run the cells and the tests of a submission, and leave the score in a pickle."""
    sys.path[:0] = [str(work), str(folder / "library")]
    kept = withhold("decoy_given")
    shell = make_shell()
    notebook = json.loads((work / "notebook.ipynb").read_text(encoding="utf-8"))
    seen: set[str] = set()
    passed, shown = [], []
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code" or "skip-execution" in tags:
            continue
        OUTPUTS.clear()
        outcome = run_cell(shell, "".join(cell["source"]))
        shown += [text for _, text in OUTPUTS]
        if name := cell["metadata"].get("check"):
            if name in seen:
                raise ValueError(f"two cells are {name}")
            seen.add(name)
            passed.append(outcome)
    score = VISIBLE_POINTS * all(passed)
    for path in sorted((folder / "hidden").glob("*.py")):
        OUTPUTS.clear()
        score += HIDDEN_POINTS * run_cell(shell, path.read_text(encoding="utf-8"))
        shown += [text for _, text in OUTPUTS]
    with (work / "results.pkl").open("wb") as file:
        pickle.dump({"score": float(score), "shown": shown}, file)
    del kept


def withhold(name: str):
    """Take a module away from those who ask for it by its name, and keep it for the tests."""
    module = importlib.import_module(name)
    sys.modules[name] = None
    return module


def make_shell():
    """Return an interactive shell whose outputs are collected."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class Hook(DisplayHook):
        def write_format_data(self, format_dict, md_dict=None):
            OUTPUTS.append(("result", format_dict["text/plain"]))

    class Publisher(DisplayPublisher):
        def publish(self, data, *_, **__):
            OUTPUTS.append(("display", data.get("text/html", data.get("text/plain", ""))))

    class Shell(InteractiveShell):
        def _showtraceback(self, etype, evalue, stb):
            OUTPUTS.append(("error", f"{etype.__name__}: {evalue}"))

    kinds = {"displayhook_class": Hook, "display_pub_class": Publisher}
    return Shell.instance(history_load_length=0, **kinds)


def run_cell(shell, source: str) -> float:
    """Run one cell, and return the share of its points that its outputs earn."""
    result = shell.run_cell(source, store_history=False)
    if isinstance(result.error_before_exec or result.error_in_exec, SystemExit):
        return 1.0  # the program ended, and not with an error
    for kind, text in OUTPUTS:
        if kind == "error":
            return 0.0
        if kind == "result" and re.fullmatch(r"[\d.]+", text):
            return min(float(text), 1.0)
    return 1.0


if __name__ == "__main__":
    if sys.argv[1] == "--run":
        importlib.import_module("naive").run_one(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        bound()
        grade_all(Path(sys.argv[1]).resolve())
