"""The errors that `labs.engine` raises on purpose.

They extend the tree of `course_utils.errors`, so that a command catches one base class::

    CourseUtilsError
    `-- LabError              anything about a lab or a notebook
        |-- UsageError        the caller's mistake: the command ends with exit code 2
        |   |-- UnknownLabError    no lab of that name
        |   |-- ParameterError     unknown or ill-typed parameter
        |   `-- ExtraMissingError  the lab needs an extra that is not installed
        |-- LabFormatError    a lab.toml, a notebook or a check is not as documented
        |-- RunError          a notebook did not run to its end
        |   `-- RunStoppedError    because it was stopped on purpose
        |-- SandboxError      no process could be started behind walls
        |-- SubmissionError   what was handed in is no notebook of the lab
        `-- ExchangeError     a request or reply between check and student code is malformed
"""

from course_utils.errors import CourseUtilsError


class LabError(CourseUtilsError):
    """Base of the errors about labs and notebooks."""


class UsageError(LabError):
    """The caller asked for something that cannot be: exit code 2."""


class UnknownLabError(UsageError):
    """There is no lab of this name."""


class ParameterError(UsageError):
    """A parameter is unknown or has the wrong type."""


class ExtraMissingError(UsageError):
    """An optional part of the project is needed and not installed."""

    def _render_traceback_(self) -> list[str]:
        """Be one line in a notebook: the way to where it is missed helps nobody."""
        return [f"{type(self).__name__}: {self}"]


class LabFormatError(LabError):
    """A lab.toml, a notebook or a check does not have the documented form."""


class RunError(LabError):
    """A notebook did not run to its end."""


class RunStoppedError(RunError):
    """A notebook was stopped on purpose; there is nothing to record."""


class SubmissionError(LabError):
    """What was handed in cannot be used; the message says why, for the student."""


class SandboxError(LabError):
    """No process could be started behind walls."""


class ExchangeError(LabError):
    """A message between a check and student code does not have the documented form."""
