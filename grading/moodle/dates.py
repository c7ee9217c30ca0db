"""Reads the dates in Moodle's worksheets, as its English and German language packs write them.

Moodle writes times of the wall clock without a time zone, and so they are returned. A date that can
be read in two ways, such as 11/12/2026, is refused rather than guessed.
"""

import re
from datetime import datetime

_MONTHS = (
    ("january", "januar", "jan", "jänner"),
    ("february", "februar", "feb"),
    ("march", "märz", "mar", "mär", "mrz"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "juni", "jun"),
    ("july", "juli", "jul"),
    ("august", "aug"),
    ("september", "sep", "sept"),
    ("october", "oktober", "oct", "okt"),
    ("november", "nov"),
    ("december", "dezember", "dec", "dez"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_TIME = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::(?P<second>\d{2}))?(?: ?(?P<half>[ap])\.?m\.?)?"
_FORMS = tuple(
    re.compile(rf"(?:[^\W\d]+\.?,? )?{date},? (?:(?:at|um) )?{_TIME}(?: uhr)?")
    for date in (
        r"(?P<day>\d{1,2})\.? (?P<name>[^\W\d]+)\.?,? (?P<year>\d{4})",  # 21. November 2026
        r"(?P<name>[^\W\d]+)\.? (?P<day>\d{1,2}),? (?P<year>\d{4})",  # November 21, 2026
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",  # 2026-11-21
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",  # 21.11.2026, only ever German
    )
)
_EXTENSION = re.compile(
    r"(?:extension granted until|erweiterung der abgabe möglich bis|verlängerung[\w ]* bis"
    r"|verlängert bis)\s*:?\s*(?P<date>.*?)\s*(?: - |$)",
    re.IGNORECASE,
)


def read_date(text: str) -> datetime | None:
    """Return a date and time without zone; None for an empty cell or a dash.

    Raises
    ------
    ValueError
        If it cannot be read, or in more than one way.

    Examples
    --------
    >>> read_date("Saturday, 21 November 2026, 11:59 PM").isoformat()
    '2026-11-21T23:59:00'
    >>> read_date("Samstag, 21. November 2026, 23:59").isoformat()
    '2026-11-21T23:59:00'
    >>> read_date("-") is None
    True
    """
    plain = " ".join(text.split()).lower()  # some versions put narrow spaces before PM
    if plain in ("", "-"):
        return None
    for form in _FORMS:
        if match := form.fullmatch(plain):
            return _moment(match.groupdict(), text)
    raise ValueError(
        f"{text!r} is no date that can be read for sure; known are dates such as "
        "'Saturday, 21 November 2026, 11:59 PM' and 'Samstag, 21. November 2026, 23:59'"
    )


def read_extension(status: str) -> str | None:
    """Return the date, as written, of an extension in a worksheet's column Status; None without.

    Examples
    --------
    >>> read_extension("No submission - Extension granted until: Monday, 2 March 2026, 5:00 PM")
    'Monday, 2 March 2026, 5:00 PM'
    """
    match = _EXTENSION.search(" ".join(status.split()))
    return match["date"] if match else None


def _moment(fields: dict[str, str | None], text: str) -> datetime:
    month = fields.get("month") or str(_MONTH.get(fields.get("name") or "", 0))
    hour, half = int(fields["hour"] or 0), fields["half"]
    if month == "0":
        raise ValueError(f"{text!r} names no month in English or German")
    if not 1990 <= int(fields["year"] or 0) <= 2200:  # arithmetic with zones ends at 1 and 9999
        raise ValueError(f"{text!r} is no date: its year cannot be")
    if half and not 1 <= hour <= 12:
        raise ValueError(f"{text!r} has no such hour")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return datetime(
            int(fields["year"] or 0),
            int(month),
            int(fields["day"] or 0),
            hour,
            int(fields["minute"] or 0),
            int(fields["second"] or 0),
        )
    except ValueError as err:
        raise ValueError(f"{text!r} is no date: {err}") from err
