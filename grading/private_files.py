"""Files that only their owner reads, whole or not there at all."""

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place in one step, with mode 0600; leave it alone if it holds this already."""
    if not path.is_symlink() and path.is_file() and path.read_bytes() == content:
        path.chmod(0o600)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # has mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner opens, if there is none; its parents are ordinary ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
