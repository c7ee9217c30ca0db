"""The errors that `grading` raises on purpose.

They extend the tree of `labs.engine.errors`::

    LabError
    `-- GradingError
        |-- CourseFileError  course.toml is not as documented
        |-- SourceError      a lab's source, checks or variants are not as documented
        `-- DriftError       a built notebook differs from what its source gives
"""

from labs.engine.errors import LabError


class GradingError(LabError):
    """Base of the errors about building and grading."""


class CourseFileError(GradingError):
    """The course.toml does not have the documented form."""


class SourceError(GradingError):
    """What a lab is built from does not have the documented form; the message names the place."""


class DriftError(GradingError):
    """Built notebooks differ from their source; the message lists every difference."""
