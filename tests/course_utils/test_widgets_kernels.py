"""Live meter and explorer in real kernels: under papermill and nbval, and with a front end."""

import os
import subprocess
import sys
from pathlib import Path
from queue import Empty

import nbformat
import pytest

LIVE = """\
from course_utils import widgets
import time
with widgets.live_meter("SWE", refresh_s=0.05) as meter:
    time.sleep(0.5)"""
EXPLORE = """\
from course_utils import widgets
def measured(value):
    return {"value": value, "low": value, "high": value, "n": 6, "kind": "measured"}
runs = [
    {"parameters": {"width": w}, "results": {"latency_ms": measured(2 * w)}, "provenance": {}}
    for w in (1, 2, 3)
]
widgets.explore_records(runs, x="width", y="latency_ms")"""


def environment(**changes: str) -> dict[str, str]:
    inherited = {
        k: v for k, v in os.environ.items() if k not in ("COURSE_STATIC", "PYTEST_ADDOPTS")
    }
    inherited.pop("JPY_SESSION_NAME", None)
    return {**inherited, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **changes}


def execute(folder: Path, **changes: str) -> nbformat.NotebookNode:
    """Run live meter, its result and the explorer through papermill; return the notebook."""
    new = nbformat.v4
    live = new.new_code_cell(LIVE, metadata={"tags": ["nbval-ignore-output"]})
    cells = [live, new.new_code_cell("meter.state"), new.new_code_cell(EXPLORE)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, folder / "in.ipynb")
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "in.ipynb", "out.ipynb"]
    done = subprocess.run(
        command, cwd=folder, env=environment(**changes), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return nbformat.read(folder / "out.ipynb", as_version=4)


@pytest.mark.notebook
@pytest.mark.parametrize("wish", [{}, {"COURSE_STATIC": "1"}], ids=["alone", "static"])
def test_papermill_leaves_plain_outputs_and_nbval_accepts_them(tmp_path, wish):
    notebook = execute(tmp_path, **wish)
    live, state, explorer = (cell.outputs for cell in notebook.cells)
    assert [o.output_type for o in (*live, *state, *explorer)] == [
        "display_data", "execute_result", "display_data",
    ]  # fmt: skip
    assert live[0].data["text/plain"].startswith("meter: done; time: ")
    assert "<table>" in live[0].data["text/html"]
    assert explorer[0].data["text/plain"].startswith("latency_ms against width, 3 of 3 records")
    assert "image/png" in explorer[0].data
    assert "widgets" not in notebook.metadata
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "out.ipynb"],
        cwd=tmp_path,
        env=environment(**wish),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.notebook
def test_a_live_notebook_opened_later_still_shows_all_but_the_sliders(tmp_path):
    """What a front end would have seen live: the views beside the sliders are plain outputs."""
    notebook = execute(tmp_path, COURSE_STATIC="0")
    live, _, explorer = (cell.outputs for cell in notebook.cells)
    assert live[0].data["text/plain"].startswith("meter: done; time: ")
    picture, sliders = explorer
    assert picture.data["text/plain"].startswith("latency_ms against width, 3 of 3 records")
    assert "application/vnd.jupyter.widget-view+json" not in picture.data
    assert "application/vnd.jupyter.widget-view+json" in sliders.data


@pytest.mark.notebook
def test_a_real_kernel_rewrites_the_output_and_answers_a_slider(tmp_path):
    """Play the front end: read the messages of the cell, then move the slider."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env=environment(COURSE_STATIC="0"), cwd=str(tmp_path))

    def messages(request: str) -> list[dict]:
        """Return those that belong to a request, until the kernel is idle again."""
        seen = []
        while True:
            try:
                message = client.get_iopub_msg(timeout=60)
            except Empty:
                pytest.fail("the kernel fell silent")
            if message["parent_header"].get("msg_id") == request:
                seen.append(message)
                if message["content"].get("execution_state") == "idle":
                    return seen

    try:
        seen = messages(client.execute(LIVE))
        (first,) = [m["content"] for m in seen if m["msg_type"] == "display_data"]
        updates = [m["content"] for m in seen if m["msg_type"] == "update_display_data"]
        assert len(updates) >= 2  # of about 10: this machine may be busy
        ids = {c["transient"]["display_id"] for c in (first, *updates)}
        assert len(ids) == 1
        assert "meter: running" in updates[0]["data"]["text/plain"]
        assert "meter: done" in updates[-1]["data"]["text/plain"]
        assert not [m for m in seen if m["msg_type"] in ("stream", "error")]

        seen = messages(client.execute(EXPLORE))
        opened = [m["content"] for m in seen if m["msg_type"] == "comm_open"]
        (slider,) = [
            c["comm_id"] for c in opened if c["data"]["state"].get("description") == "width"
        ]
        state = {"method": "update", "state": {"index": 2}, "buffer_paths": []}
        move = client.session.msg("comm_msg", {"comm_id": slider, "data": state})
        client.shell_channel.send(move)
        seen = messages(move["header"]["msg_id"])
        (redrawn,) = [m["content"] for m in seen if m["msg_type"] == "update_display_data"]
        assert redrawn["data"]["text/plain"].startswith(
            "latency_ms against width, 1 of 3 records, width = 2: 2, 4 ms"
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
