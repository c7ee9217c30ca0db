"""Messages of a kernel forged from inside: why no grade is read from them, and what walls do.

On an ordinary kernel a verdict taken from the messages that it sends, as nbgrader takes it, is
whatever the student's code says. Ours computes no verdict there: grading uses no kernel at all. A
kernel behind walls serves `course rerun` and papermill; there the same code and floods of messages
must leave the client alive and its memory small.
"""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import nbclient
import nbformat
import psutil
import pytest
from attack_naive_kernel import ordinary_kernel

from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import MIB, Limits
from labs.engine.sandbox.provisioner import write_kernelspec

pytestmark = [
    pytest.mark.xdist_group("attacks"),
    pytest.mark.skipif(sys.platform != "linux", reason="the payloads are for Linux"),
]
LIMITS = Limits(memory_bytes=512 * MIB, output_bytes=4 * MIB, cpu_s=5.0, wall_s=30.0)
GROWTH_BYTES = 150_000_000
CHECK = "assert answer == 42\n'checked'"
FORGERIES = {
    "every cell is said to be fine": """
        kernel = get_ipython().kernel
        async def fine(*args, **kwargs):
            return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
        kernel.do_execute = fine
        """,
    "a result sent in the name of the next cell": """
        kernel, shell = get_ipython().kernel, get_ipython()
        def forge(*args):
            content = {"data": {"text/plain": "1.0"}, "metadata": {}, "execution_count": 1}
            parent = kernel.get_parent("shell")
            kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=parent)
        shell.events.register("pre_run_cell", forge)
        """,
    "errors are not sent": """
        shell = get_ipython()
        shell._showtraceback = shell.showtraceback = lambda *args, **kwargs: None
        real = shell.run_cell_async
        async def fine(*args, **kwargs):
            result = await real(*args, **kwargs)
            result.error_in_exec = result.error_before_exec = None
            return result
        shell.run_cell_async = fine
        """,
}
FLOODS = {
    "a flood of prints": "while True: print('x' * 100_000)",
    "a giant message": """
        kernel = get_ipython().kernel
        for _ in range(5):
            content = {"name": "stdout", "text": "x" * 10**8}
            kernel.session.send(kernel.iopub_socket, "stream", content)
        """,
    "messages without a signature": """
        kernel = get_ipython().kernel
        parts = [b"<IDS|MSG>", b"0" * 64, b"{}", b"{}", b"{}", b"x" * 1000]
        for _ in range(20_000):
            kernel.iopub_socket.send_multipart(parts)
        """,
    "messages that are no messages": """
        import os
        kernel = get_ipython().kernel
        for _ in range(20_000):
            kernel.iopub_socket.send_multipart([os.urandom(1000)] * 3)
        """,
    "widgets without an end": """
        from IPython.display import display
        while True:
            display({"application/x": "x" * 10_000}, raw=True, display_id=True)
        """,
}


def executed(code, *, kernel_name):
    """Run a wrong answer, a payload and a check; return the notebook and what broke."""
    import textwrap

    cells = ["answer = 0", textwrap.dedent(code), CHECK]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = nbclient.NotebookClient(
        notebook, kernel_name=kernel_name, timeout=25, allow_errors=True, startup_timeout=60
    )
    broken = ""
    try:
        client.execute()
    except Exception as err:
        broken = type(err).__name__
    return notebook, broken


def verdict_from_messages(notebook):
    """Return what nbgrader's rule makes of the outputs of the check: 1.0 is full points."""
    for output in notebook.cells[-1].outputs:
        if output.output_type == "error":
            return 0.0
        if output.output_type == "execute_result" and "checked" not in output.data["text/plain"]:
            return float(output.data["text/plain"])
    return 1.0


@pytest.fixture(autouse=True)
def finalised() -> Iterator[None]:
    """Finish here what nbclient leaves behind: in the middle of another test it does harm there."""
    yield
    gc.collect()


@pytest.mark.parametrize("name", FORGERIES)
def test_messages_of_a_kernel_can_be_forged(name, tmp_path, monkeypatch):
    """The proof: a verdict from messages is the student's to write."""
    monkeypatch.setenv("JUPYTER_PATH", str(ordinary_kernel(tmp_path)))
    honest, broken = executed("pass", kernel_name="ordinary")
    assert (verdict_from_messages(honest), broken) == (0.0, "")
    forged, _ = executed(FORGERIES[name], kernel_name="ordinary")
    assert verdict_from_messages(forged) == 1.0


@pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}")
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_messages_ends_with_the_kernel(name, tmp_path, monkeypatch):
    """The kernel is ended at its limit, and the client neither grows nor hangs."""
    write_kernelspec(tmp_path / "kernels", "walled", limits=LIMITS)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    itself = psutil.Process()
    before = itself.memory_info().rss
    notebook, _ = executed(FLOODS[name], kernel_name="walled")
    assert itself.memory_info().rss - before < GROWTH_BYTES
    assert len(str(notebook)) < 8 * MIB
    assert not Path(tmp_path, "dcy").exists()
