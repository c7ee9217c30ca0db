"""Turn pip's installation report into the lines of ``constraints.txt``; `make pins` calls it.

It decides what is pinned, and does not resolve anything itself.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

HEADER = """\
# Versions the labs were executed and tested with, for every extra together.
# Use: pip install -c constraints.txt -e '.[all]'. Packages of the CUDA runtime are left to torch.
"""
PROJECT = "mlsys-course"
CUDA = re.compile(r"(nvidia|cuda)-(?!ml-py$)|(triton|pytorch-triton)$")


def canonical(name: str) -> str:
    """Return a distribution's name as package indexes compare it.

    >>> canonical("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(report: dict[str, Any]) -> str:
    """Return the constraints for what a report installs, sorted by name.

    A local version (``2.13.0+cpu``) is the same release built for one kind of machine: the pin
    leaves it out. The CUDA runtime belongs to the build of torch that a machine chooses.
    """
    versions = {
        item["metadata"]["name"]: item["metadata"]["version"].partition("+")[0]
        for item in report["install"]
        if canonical(item["metadata"]["name"]) != PROJECT
        and not CUDA.match(canonical(item["metadata"]["name"]))
    }
    lines = (f"{name}=={versions[name]}\n" for name in sorted(versions, key=str.lower))
    return HEADER + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(pins(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
