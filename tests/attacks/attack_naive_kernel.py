"""An ordinary kernel, without walls, on which the forging of messages is proved."""

import json
import sys
from pathlib import Path


def ordinary_kernel(folder: Path) -> Path:
    """Write its kernelspec, and return the folder for JUPYTER_PATH."""
    path = folder / "kernels" / "ordinary" / "kernel.json"
    path.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    path.write_text(json.dumps({"argv": argv, "display_name": "ordinary", "language": "python"}))
    return folder
