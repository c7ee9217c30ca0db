"""The student notebook in JupyterLab, in a real browser: opened, run from top to bottom, looked at.

``BROWSER_SHOTS=FOLDER`` keeps the pictures of what a student sees.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine.catalog import find_lab

TOKEN = "for-this-test"  # the server listens on the loopback address alone
START_TIMEOUT_S, RUN_TIMEOUT_S = 120, 600

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
    """JupyterLab on a copy of the quickstart, with settings and state of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    shutil.copy(find_lab("quickstart").notebook, folder)
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
            yield f"http://127.0.0.1:{port}/lab/tree/quickstart.ipynb?token={TOKEN}"
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


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_student_runs_the_untouched_quickstart(
    server: str, browser_path: str, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    shots = Path(os.environ.get("BROWSER_SHOTS", tmp_path))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1300, "height": 1500})
        page.set_default_timeout(START_TIMEOUT_S * 1000)
        page.goto(server)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext.isReady"
        )
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            f"() => ({CELLS})().filter(c => c.type === 'code').every(c => c.count !== null)",
            timeout=RUN_TIMEOUT_S * 1000,
        )
        cells = page.evaluate(CELLS)
        keep_pictures(page, shots)
        texts = visible_texts(page)
        browser.close()

    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error"] == []
    assert [o["text"] for o in outputs if o.get("name") == "stderr"] == []
    # What a student reads, not what the file holds: JupyterLab cleans HTML before it shows it.
    assert "not attempted yet" in texts
    assert "the given conv_cost is used" in texts
    assert "peak_memory_bytes" in texts
    assert "gCO2e" in texts


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
