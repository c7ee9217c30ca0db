"""What student code may use before it is stopped; `walls` and `desk` enforce it."""

from dataclasses import dataclass

MIB = 1024**2


@dataclass(frozen=True)
class Limits:
    """Limits of one process of student code, and of everything that it starts.

    Processor time is what decides, so that a grade does not depend on what else the machine does;
    wall time is a far backstop for code that waits for ever.

    Parameters
    ----------
    memory_bytes
        Memory on top of what the heavy packages take.
    processes
        Processes and threads at once.
    file_bytes
        Size of one file.
    scratch_bytes
        Size of the home folder, of /tmp and of shared memory, each.
    cpu_s
        Processor time for one message (a cell or a call), and for a kernel as a whole, times
        `MESSAGES`; all processes count.
    wall_s
        Wall time for one message.
    output_bytes
        What a kernel may send to its client, over its life.
    """

    memory_bytes: int = 2048 * MIB
    processes: int = 64
    file_bytes: int = 200 * MIB
    scratch_bytes: int = 256 * MIB
    cpu_s: float = 10.0
    wall_s: float = 120.0
    output_bytes: int = 64 * MIB


MESSAGES = 60  # a kernel's life, in messages of full length
