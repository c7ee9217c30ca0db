"""Notebooks in JupyterLab, in a real browser: opened, run from top to bottom, looked at.

``BROWSER_SHOTS=FOLDER`` keeps the pictures of what a student sees.
"""

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labs.engine.catalog import find_lab

TOKEN = "for-this-test"  # the server listens on the loopback address alone
START_TIMEOUT_S, RUN_TIMEOUT_S = 120, 600

# A meter that lives long enough to be refreshed, and an explorer of three records.
WIDGETS = """
import time
from course_utils import widgets
with widgets.live_meter("SWE"):
    end = time.perf_counter() + 1.5
    while time.perf_counter() < end:
        sum(range(10_000))
---
def run(width, ms):
    latency = {"value": ms, "low": 0.9 * ms, "high": 1.1 * ms, "n": 9, "kind": "measured"}
    return {"parameters": {"width": width}, "results": {"latency_ms": latency},
            "provenance": {"data": ["digits"]}}
widgets.explore_records([run(8, 1.0), run(16, 2.0), run(32, 4.5)], x="width", y="latency_ms")
"""

# A recorder, and what came out of the microphone.
RECORDER = """
import torch
from labs.mcu_compression.recorder import Recorder
from labs.mcu_compression.sounds import Sound
found = []
Recorder(found.append, Sound(torch.zeros(16_000), "nothing yet")).show()
---
peak = found[-1].samples.abs().max() if found else 0
print(len(found), [each.name for each in found], f"peak {peak:.2f}")
"""

CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => ({
    type: cell.model.type,
    count: cell.model.executionCount ?? null,
    outputs: cell.model.type === 'code' ? cell.model.outputs.toJSON() : [],
    source: cell.model.sharedModel.getSource(),
}))"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """JupyterLab on the folder ``work``, with settings and state of its own; its address."""
    folder = tmp_path / "work"
    folder.mkdir()
    port = free_port()
    environment = {
        **os.environ,
        **{
            name: str(tmp_path / name.lower())
            for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")
        },
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    environment.pop("COURSE_STATIC", None)
    options = {
        "ServerApp.root_dir": folder,
        "ServerApp.port": port,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": TOKEN,
        "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for_server(port, process, tmp_path / "server.log")
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={TOKEN}"
        finally:
            process.terminate()
            process.wait(30)


def wait_for_server(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    url = f"http://127.0.0.1:{port}/api?token={TOKEN}"
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@pytest.fixture
def page(browser_path: str):  # type: ignore[no-untyped-def]  # playwright's Page
    """A page of a browser whose microphone hears beeps."""
    from playwright.sync_api import sync_playwright

    microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", *microphone]
        )
        page = browser.new_page(viewport={"width": 1300, "height": 1500})
        page.set_default_timeout(START_TIMEOUT_S * 1000)
        yield page
        browser.close()


def write_notebook(path: Path, sources: str) -> None:
    cells = [new_code_cell(source.strip()) for source in sources.split("---")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)


def run_all(page, address: str) -> list[dict]:  # type: ignore[no-untyped-def]
    """Open a notebook, run every cell, and return the cells."""
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.sessionContext.isReady")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        f"() => ({CELLS})().filter(c => c.type === 'code').every(c => c.count !== null)",
        timeout=RUN_TIMEOUT_S * 1000,
    )
    cells = page.evaluate(CELLS)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error"] == []
    assert [o["text"] for o in outputs if o.get("name") == "stderr"] == []
    return cells


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_student_runs_the_untouched_quickstart(server: str, page, tmp_path: Path) -> None:
    shutil.copy(find_lab("quickstart").notebook, tmp_path / "work")
    run_all(page, server.format("quickstart.ipynb"))
    keep_pictures(page, Path(os.environ.get("BROWSER_SHOTS", tmp_path)))
    # What a student reads, not what the file holds: JupyterLab cleans HTML before it shows it.
    texts = visible_texts(page)
    assert "not attempted yet" in texts
    assert "the given conv_cost is used" in texts
    assert "peak_memory_bytes" in texts
    assert "gCO2e" in texts


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_meter_and_explorer_live_in_the_front_end(server: str, page, tmp_path: Path) -> None:
    """The meter ends with the whole block; a slider draws the chosen records, and only those."""
    write_notebook(tmp_path / "work" / "widgets.ipynb", WIDGETS)
    run_all(page, server.format("widgets.ipynb"))
    shots = Path(os.environ.get("BROWSER_SHOTS", tmp_path))

    text = page.inner_text(".jp-Notebook")
    assert re.search(r"done", text)
    assert "SWE" in text
    slider = page.wait_for_selector(".jupyter-widgets [role=slider], .jupyter-widgets .noUi-handle")
    picture = "() => [...document.querySelectorAll('.jp-Cell img')].at(-1).src"
    before = page.evaluate(picture)
    page.screenshot(path=shots / "widgets-before.png")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => ({picture})() !== before", arg=before)
    page.wait_for_timeout(300)
    page.screenshot(path=shots / "widgets-after.png")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_sound_is_recorded_and_uploaded_and_stays_out_of_the_file(
    server: str, page, tmp_path: Path
) -> None:
    path = tmp_path / "work" / "recorder.ipynb"
    write_notebook(path, RECORDER)
    assert "0 [] peak 0.00" in str(run_all(page, server.format("recorder.ipynb")))
    page.click("button:has-text('Record 2 seconds')")
    page.wait_for_selector("text=the loudest second of 2.")
    with page.expect_file_chooser() as chooser:
        page.click("button:has-text('Upload a sound')")
    chooser.value.set_files({"name": "Anna.wav", "mimeType": "audio/wav", "buffer": beep()})
    page.wait_for_selector("text=your file (0.5 s, with silence around it)")
    with page.expect_file_chooser() as chooser:
        page.click("button:has-text('Upload a sound')")
    chooser.value.set_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
    page.wait_for_selector("text=Not used: the file cannot be read as sound")
    page.screenshot(path=Path(os.environ.get("BROWSER_SHOTS", tmp_path)) / "recorder.png")

    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        f"() => JSON.stringify(({CELLS})().at(-1).outputs).includes('your file')"
    )
    said = str(page.evaluate(CELLS)[-1]["outputs"])
    assert "2 ['your recording', 'your file'] peak" in said
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    saved = path.read_text()
    assert "your file" in saved
    assert "Anna" not in saved
    assert not re.search(r"[A-Za-z0-9+/]{200}", saved)  # a second in base64 has 42,000 letters


def beep() -> bytes:
    """Return half a second of a tone as a WAV file at 8 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(b"\x00\x40" * 4 + (b"\x00\x20" * 4 + b"\x00\xe0" * 4) * 499)
    return file.getvalue()


def scroll_to(page, position: int) -> None:  # type: ignore[no-untyped-def]  # playwright's Page
    page.evaluate(
        "y => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = y; }", position
    )
    page.wait_for_timeout(400)


def screens(page) -> Iterator[int]:  # type: ignore[no-untyped-def]
    """Scroll through the notebook screen by screen."""
    height = "document.querySelector('.jp-WindowedPanel-outer')"
    position, number = 0, 0
    while True:
        scroll_to(page, position)
        yield number
        number += 1
        position += page.evaluate(f"() => {height}.clientHeight")
        if position >= page.evaluate(f"() => {height}.scrollHeight") or number > 40:
            return


def keep_pictures(page, folder: Path) -> None:  # type: ignore[no-untyped-def]
    for number in screens(page):
        page.screenshot(path=folder / f"screen-{number:02}.png")


def visible_texts(page) -> str:  # type: ignore[no-untyped-def]
    return "\n".join(page.inner_text(".jp-Notebook") for _ in screens(page))
