"""What can go wrong when a function runs as several ranks.

LaunchError
|-- WorldSizeError     more ranks than this machine can hold, or fewer than one
|-- PortTakenError     another program listens at the port that was asked for
|-- RankError          a rank raised, or its process died
`-- LaunchTimeoutError no end in time; says where each rank stood
"""


class LaunchError(Exception):
    """A function did not run to its end on every rank."""


class WorldSizeError(LaunchError):
    """More ranks than this machine can hold, or fewer than one."""


class PortTakenError(LaunchError):
    """Another program listens at the port that was asked for."""


class RankError(LaunchError):
    """A rank raised, or its process died.

    Parameters
    ----------
    sentence
        What happened, in one line, with the remedy where one is known.
    rank
        Which one failed first.
    traceback
        Where, as Python tells it; empty if the process was killed.
    """

    def __init__(self, sentence: str, *, rank: int, traceback: str = "") -> None:
        super().__init__(f"{sentence}\n{traceback}" if traceback else sentence)
        self.rank = rank
        self.traceback = traceback


class LaunchTimeoutError(LaunchError):
    """No end in time; the message says where each rank stood."""
