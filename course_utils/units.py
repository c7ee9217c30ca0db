"""Units: the suffixes that names carry, their conversions, and how numbers are written out.

Every conversion factor of the project stands here. k, M and G are powers of 1000; Ki, Mi and Gi
of 1024. It does not check dimensions: a suffix is a promise of the one who names a value.
"""

import math

KI = 1024
MI = 1024**2
GI = 1024**3
MS_PER_S = 1e3
S_PER_H = 3600.0
S_PER_Y = 365 * 24 * S_PER_H
J_PER_KWH = 3.6e6
MJ_PER_J = 1e3  # millijoules
UJ_PER_J = 1e6
MW_PER_W = 1e3  # milliwatts
G_PER_KG = 1e3
BYTES_PER_GB = 1e9
BITS_PER_BYTE = 8
OPS_PER_MAC = 2  # a multiply and an add

# Longest suffix first, so that `_bytes_per_s` is not taken for `_s`.
UNIT_BY_SUFFIX: dict[str, str] = {
    "_g_per_kwh": "gCO2e/kWh",
    "_bytes_per_s": "B/s",
    "_items_per_s": "1/s",
    "_tokens_per_s": "tokens/s",
    "_ops_per_s": "op/s",
    "_ops_per_byte": "op/B",
    "_macs_per_s": "MAC/s",
    "_per_hour": "1/h",
    "_percent": "%",
    "_bytes": "B",
    "_elements": "elements",
    "_macs": "MAC",
    "_ops": "op",
    "_kwh": "kWh",
    "_ms": "ms",
    "_us": "us",
    "_ns": "ns",
    "_mj": "mJ",
    "_uj": "uJ",
    "_kg": "kgCO2e",
    "_mg": "mgCO2e",
    "_ug": "ugCO2e",
    "_s": "s",
    "_j": "J",
    "_w": "W",
    "_g": "gCO2e",
}


def unit_of(name: str) -> str:
    """Return the unit that the suffix of a name promises, or an empty text.

    Examples
    --------
    >>> unit_of("latency_ms"), unit_of("bandwidth_bytes_per_s"), unit_of("top1")
    ('ms', 'B/s', '')
    >>> unit_of("macs")
    'MAC'
    """
    if name.startswith("size_bytes_"):  # size_bytes_int8: what is sized comes last
        return "B"
    for suffix, unit in UNIT_BY_SUFFIX.items():
        if name.endswith(suffix) or name == suffix[1:]:
            return unit
    return ""


def kwh_from_j(energy_j: float) -> float:
    """Return an energy in kilowatt-hours.

    Examples
    --------
    >>> kwh_from_j(3.6e6)
    1.0
    """
    return energy_j / J_PER_KWH


def format_number(value: float, *, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, but no digit before the point rounded.

    Examples
    --------
    >>> format_number(22604), format_number(0.0123456), format_number(2656768.0)
    ('22,604', '0.0123', '2,656,768')
    >>> format_number(123456.7), format_number(float("inf"))
    ('123,457', 'inf')
    """
    if not math.isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e15:
        return f"{round(value):,}"
    if 1e15 > abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def format_bytes(size_bytes: float) -> str:
    """Return a size in bytes with a binary prefix.

    Examples
    --------
    >>> format_bytes(512), format_bytes(22604), format_bytes(3 * MI)
    ('512 B', '22.1 KiB', '3.00 MiB')
    """
    for factor, prefix in ((GI, "Gi"), (MI, "Mi"), (KI, "Ki")):
        if abs(size_bytes) >= factor:
            scaled = size_bytes / factor
            decimals = max(0, 2 - int(math.log10(abs(scaled))))
            return f"{scaled:.{decimals}f} {prefix}B"
    return f"{size_bytes:.0f} B"
