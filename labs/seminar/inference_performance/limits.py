"""What the parameters of this lab may be, asked before anything is trained, compiled or timed."""

from labs.shared.limits import Limits

LIMITS = Limits(
    {
        "seed": (0, 2**31 - 1),
        "estimators": (1, 128),
        "depth": (1, 12),
        "bits": (1, 5),
        "repeats": (6, 1_000),
        "load": (0.05, 0.95),
        "seconds": (0.2, 600),
        "epochs": (1, 1_000),
    },
    fractions=("load", "seconds"),
)
check = LIMITS.check
