"""A notebook from its text in percent format, as far as the skeleton of a project needs it.

A cell begins with ``# %%``, one of text with ``# %% [markdown]``; tags follow as a JSON list:
``# %% tags=["parameters"]``. The same text gives the same bytes. Nothing is run here.
"""

import json
import re
from typing import Any

_START = re.compile(r"(?m)^# %%(.*)\n")
_TAGS = re.compile(r"tags=(\[.*?\])")


def notebook_text(source: str) -> str:
    """Return the notebook of a text in percent format, as JSON.

    Parameters
    ----------
    source
        Begins with a cell.

    Examples
    --------
    >>> made = json.loads(notebook_text("# %% [markdown]" + chr(10) + "# Hi" + chr(10)))
    >>> made["cells"][0]["cell_type"], made["cells"][0]["source"]
    ('markdown', ['Hi'])
    """
    _, *parts = _START.split(source)
    heads, bodies = parts[::2], parts[1::2]
    cells = [
        _cell(head, body.strip("\n"), f"cell-{number}")
        for number, (head, body) in enumerate(zip(heads, bodies, strict=True), 1)
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cell(head: str, body: str, name: str) -> dict[str, Any]:
    tags = _TAGS.search(head)
    metadata = {"tags": json.loads(tags[1])} if tags else {}
    if "[markdown]" in head:
        text = re.sub(r"(?m)^# ?", "", body)
        return {
            "cell_type": "markdown",
            "id": name,
            "metadata": metadata,
            "source": text.splitlines(keepends=True),
        }
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": body.splitlines(keepends=True),
    }
