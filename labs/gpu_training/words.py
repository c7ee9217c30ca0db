"""Numbers with their words, as titles and texts of this lab write them."""

from course_utils.units import BYTES_PER_GB, format_number

BYTES_PER_MB = 1e6


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural unless it is one.

    Examples
    --------
    >>> plural(1, "rank"), plural(1024, "rank"), plural(2, "micro-batch")
    ('1 rank', '1,024 ranks', '2 micro-batches')
    """
    ending = "es" if noun.endswith("ch") else "s"
    return f"{count:,} {noun}" + ("" if count == 1 else ending)


def unit_for(largest_bytes: float) -> tuple[str, float]:
    """Return the unit in which a picture shows sizes, and its bytes: GB, or MB below a tenth.

    Examples
    --------
    >>> unit_for(45e9), unit_for(2.4e6)
    (('GB', 1000000000.0), ('MB', 1000000.0))
    """
    return ("GB", BYTES_PER_GB) if largest_bytes >= BYTES_PER_GB / 10 else ("MB", BYTES_PER_MB)


def decimal_size(size_bytes: float, *, digits: int = 3) -> str:
    """Return a size in the unit that suits it; the blank in it never ends a line.

    Examples
    --------
    >>> decimal_size(622.4e9, digits=2).split(), decimal_size(1.25e6).split()
    (['622', 'GB'], ['1.25', 'MB'])
    """
    unit, unit_bytes = unit_for(size_bytes)
    return f"{format_number(size_bytes / unit_bytes, digits=digits)}\N{NO-BREAK SPACE}{unit}"
