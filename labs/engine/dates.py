"""When labs are due: ``labs/course_dates.toml``, which comes with a handout.

The instructors' own repository has no such file; there is nothing to say then. Nothing here decides
what is late.
"""

import tomllib
from datetime import datetime
from pathlib import Path

from labs.engine.catalog import LABS_ROOT
from labs.engine.errors import LabFormatError

DATES_FILE = "course_dates.toml"


def deadlines(root: Path = LABS_ROOT) -> dict[str, datetime]:
    """Return the deadlines of a handout by the name of the lab; none without the file.

    Parameters
    ----------
    root
        The folder of the labs.

    Raises
    ------
    LabFormatError
        If the file is not as it was handed out.
    """
    path = root / DATES_FILE
    try:
        labs = tomllib.loads(path.read_text(encoding="utf-8")).get("labs", {})
        found = {name: table["deadline"] for name, table in labs.items() if "deadline" in table}
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError) as err:
        raise LabFormatError(f"{path} is not as handed out ({err}); unpack it again") from err
    if strange := [name for name, moment in found.items() if not isinstance(moment, datetime)]:
        raise LabFormatError(f"{path}: the deadline of {strange[0]} is no date with a time")
    return found
