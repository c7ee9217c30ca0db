"""What several checks need: hashes, and the comparison of tensors."""

import hashlib
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal


def sha256(text: str | bytes) -> str:
    """Return the SHA-256 of a text or of bytes, in hexadecimal.

    Parameters
    ----------
    text
        What to hash.
    """
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def assert_tensors(got: Any, want: dict[str, Any], *, what: str) -> None:
    """Assert that an answer has the names, types, shapes and bits of some tensors.

    Parameters
    ----------
    got
        The answer.
    want
        Name -> array.
    what
        What is compared, for the message.
    """
    assert isinstance(got, dict), f"{what}: a dictionary of arrays, you have {evidence.brief(got)}"
    assert_equal(sorted(got), sorted(want), what=f"the names of {what}")
    for name, array in want.items():
        mine = np.asarray(got[name])
        kinds = [f"{each.dtype.name} {each.shape}" for each in (mine, array)]
        assert_equal(kinds[0], kinds[1], what=f"type and shape of {name!r}")
        assert mine.tobytes() == array.tobytes(), f"{what}: {name!r} does not have the right bits"


def layout_text(layout: Any) -> list[str]:
    """Return a layout as one text a tensor, to be compared and shown.

    Parameters
    ----------
    layout
        Pairs of name and shape.
    """
    return [f"{name} {tuple(int(side) for side in shape)}" for name, shape in layout]
