"""The errors that `grading` raises on purpose.

They extend the tree of `labs.engine.errors`::

    LabError
    `-- GradingError
        |-- CourseFileError  course.toml is not as documented
        |-- SourceError      a lab's source, checks or variants are not as documented
        |-- DriftError       a built notebook differs from what its source gives
        |-- ArchiveError     an archive, or a file in it, cannot be read
        |-- WorksheetError   Moodle's grading worksheet, or another CSV file, is not as documented
        |-- ExtensionsError  the file of extensions is not as documented
        |-- ExportError      grades cannot go out as they are
        |-- ReleaseError     a lab cannot be handed out as it is
        |-- StoreError       a folder of grades cannot be used
        |   `-- StoreBusyError   another process writes to it
        `-- WorkerError      a process that grades cannot do its work
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


class WorksheetError(GradingError):
    """A CSV file such as Moodle's worksheet is not as documented; the message names the line."""


class ExtensionsError(GradingError):
    """The file of extensions is not as documented; the message names the line."""


class ExportError(GradingError):
    """Grades cannot go out as they are; the message lists every reason."""


class ReleaseError(GradingError):
    """A lab cannot be handed out as it is; the message lists every reason."""


class ArchiveError(GradingError):
    """An archive, or a file in it, is refused; the message follows the name of the file."""


class StoreError(GradingError):
    """A folder of grades cannot be used; the message says why."""


class StoreBusyError(StoreError):
    """Another process writes to the folder of grades."""


class WorkerError(GradingError):
    """A process that grades cannot do its work, whatever the submission."""
