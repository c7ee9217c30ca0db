"""The errors that `course_utils` raises on purpose.

Each message names the thing, the value seen, the values allowed and what to do next, in one line::

    CourseUtilsError
    |-- MeasurementError      a measurement that cannot be taken or would claim too much
    |-- RecordError           a result or record of the wrong form
    `-- DataError             anything about a data set
        |-- UnknownDataError  no data set of that name
        |-- DataMissingError  not found here and not to be had (no network, no archive)
        `-- DataCorruptError  found, but not the bytes that the registry promises

It holds no logic: the commands turn any `CourseUtilsError` into one line and an exit code.
"""


class CourseUtilsError(Exception):
    """Base of every error that this project raises on purpose."""


class MeasurementError(CourseUtilsError):
    """A measurement cannot be taken, or a claim is not supported by the data."""


class RecordError(CourseUtilsError):
    """A result or a record does not have the form that the documentation of `records` gives."""


class DataError(CourseUtilsError):
    """A data set cannot be used."""


class UnknownDataError(DataError):
    """The registry has no data set of this name."""


class DataMissingError(DataError):
    """A data set is neither in the folders searched nor to be had over the network."""


class DataCorruptError(DataError):
    """A file of a data set does not have the size or the hash that the registry promises."""
