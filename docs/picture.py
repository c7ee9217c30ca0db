"""Takes the picture of the README out of the executed quickstart: ``python docs/picture.py``.

The picture is the one that the reference run drew, so the README cannot show what the lab does not.
"""

import base64
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "grading" / "answers" / "quickstart" / "reference.ipynb"
PICTURE = ROOT / "docs" / "quickstart.png"


def pareto_png() -> bytes:
    """Return the PNG of the cell that draws the Pareto front."""
    for cell in json.loads(REFERENCE.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "pareto_front(" in "".join(cell["source"]):
            images = [out["data"]["image/png"] for out in cell["outputs"] if "data" in out]
            return base64.b64decode(images[-1])
    raise LookupError(f"{REFERENCE} draws no Pareto front")


if __name__ == "__main__":
    PICTURE.write_bytes(pareto_png())
