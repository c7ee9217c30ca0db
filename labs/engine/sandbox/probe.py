"""Runs one piece of Python in a sandbox and answers with what it printed; tests of walls use it.

It answers a question about the walls, such as which files are there, without a notebook. It keeps
nothing from one question to the next.
"""

import contextlib
import io
import socket
import traceback
from collections.abc import Mapping
from typing import Any


def serve(channel: socket.socket | None, task: Mapping[str, Any]) -> None:
    """Execute ``task["code"]`` and send what it wrote, or its traceback."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            exec(task["code"], {"__name__": "__main__", "channel": channel})  # noqa: S102 - inside
        except Exception:
            traceback.print_exc(file=printed)
    if channel is not None:
        channel.sendall(printed.getvalue().encode())
