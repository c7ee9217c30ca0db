"""Ends the processes of a federation when the process that started it has gone, however it ended.

Run as ``python -m labs.federated_learning.flower.guard MARK`` with a pipe as its input: when the
other end of the pipe closes, which the death of a process does as well, everything with that mark
is killed. The guard itself carries no mark.
"""

import subprocess
import sys

from labs.federated_learning.flower.environment import end_marked


def start(mark: str, *, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a guard; it lives as long as its input is open.

    Parameters
    ----------
    mark
        Of the processes to end.
    environment
        Of the guard itself, without the mark.
    """
    command = [sys.executable, "-m", __name__, mark]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)


def main(mark: str) -> None:
    """Wait for the end of the input, then end what has the mark."""
    sys.stdin.buffer.read()
    end_marked(mark)


if __name__ == "__main__":
    main(sys.argv[1])
