"""A sweep of a toy notebook, and a process of its own that carries it out and can be killed.

``python toy_sweep.py sweep FOLDER NOTEBOOK`` does the runs of a folder, two at once, and says on
stdout which began and which are over. Its workers are light: a bare Python that executes the cells,
for papermill and a kernel take 2 CPU-s a run; with ``--real`` they are the real ones.
"""

import ast
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

RESULTS = "from course_utils import records\nrecords.show_results(data='d', y=records.counted(2*x))"


def make_notebook(path: Path, *sources: str) -> Path:
    """Write a notebook with a parameter x."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [] if number else ["parameters"]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(("x = 0  # any", *sources))
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))
    return path


def make_folder(path: Path, notebook: Path, values: range, *, threads: int = 1) -> Any:
    """Make the folder of a sweep over values of x."""
    from labs.engine.runner import plan_run
    from labs.engine.sweeps.folder import Asking, Run, open_folder
    from labs.engine.sweeps.identity import origin_of

    origin = origin_of(plan_run(notebook), threads=threads)
    folder = open_folder(path, target=notebook.name)
    runs = [Run(origin.run_id({"x": x}), {"x": x}, origin.name) for x in values]
    folder.ask(
        runs, Asking(threads=threads, origin=origin.name, origins={origin.name: vars(origin)})
    )
    return folder


def light_worker(command: Any) -> "subprocess.Popen[str]":
    """Start the worker below, as `labs.engine.launch.start_process` does with the real one."""
    with command.log.open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, __file__, "work", str(command.task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=command.folder,
            env=dict(command.environment),
            text=True,
            start_new_session=True,
        )


def light(_job: Any) -> Any:
    """Return the host of light workers."""
    from labs.engine.launch import Host

    return Host(start=light_worker)


def sweep(folder: Path, notebook: Path, *, is_real: bool) -> int:
    """Do the runs of a folder that are not over."""
    from labs.engine.errors import LabError
    from labs.engine.runner import plan_run
    from labs.engine.sweeps.folder import read_folder
    from labs.engine.sweeps.pool import LocalPool
    from labs.engine.sweeps.work import Options, carry_out

    def say(*words: str) -> None:
        print(*words, flush=True)

    try:
        found = read_folder(folder)
        with found.claimed(), LocalPool(2, host=None if is_real else light) as pool:
            carry_out(
                found,
                plan_run(notebook),
                executor=pool,
                options=Options(),
                watch=lambda run_id, cell, count: say("in", run_id, str(cell), str(count)),
                ended=lambda over: say("over", over.run_id),
            )
    except KeyboardInterrupt:
        return 130
    except LabError as err:
        say("error", str(err))
        return 1
    return 0


def work(task_path: str) -> None:
    """Execute the notebook of a task and say how it went, as `labs.engine.worker` does."""
    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    task = json.loads(Path(task_path).read_text())
    content = json.loads(Path(task["input"]).read_text())
    names: dict[str, Any] = {}
    ended: dict[str, Any] = {"outcome": "ok"}
    for number, cell in enumerate(content["cells"], 1):
        print(json.dumps({"cell": number, "of": len(content["cells"])}), flush=True)
        try:
            shown = _execute(cell["source"], names)
        except Exception as err:
            ended = {"outcome": "failed", "name": type(err).__name__, "message": str(err)}
            ended["cell"] = number
            break
        cell["metadata"]["papermill"] = {"status": "completed"}
        if hasattr(shown, "_repr_mimebundle_"):
            cell["outputs"] = [
                {"output_type": "display_data", "metadata": {}, "data": shown._repr_mimebundle_()}
            ]
        if number == 1:
            names.update(task["parameters"])
    Path(task["output"]).write_text(json.dumps(content))
    print(json.dumps({**ended, "cpu_s": 0.1}), flush=True)


def _execute(source: str, names: dict[str, Any]) -> Any:
    *first, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        return exec(source, names)
    exec(compile(ast.Module(first, []), "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


def _end_with_the_runner() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def main(words: list[str]) -> int:
    """Be a worker or a sweep."""
    if words[0] == "work":
        work(words[1])
        return 0
    from labs.engine import provenance

    provenance.machine = lambda _: {"cores": 2}  # describing it takes a process that loads torch
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return sweep(Path(words[1]), Path(words[2]), is_real="--real" in words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
