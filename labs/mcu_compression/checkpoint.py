"""The trained network that comes with this lab, and the maker of its file.

`load_checkpoint` gives the network. ``python -m labs.mcu_compression.checkpoint`` trains it anew
from the Speech Commands of the folder COURSE_DATA and the bundled synthetic words, and writes
``checkpoint.npz`` and the measured part of the card ``checkpoint.md``: about ten minutes on one
core. A student needs only the first.
"""

import hashlib
import io
import logging
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from course_utils import records
from course_utils.errors import DataCorruptError
from labs.mcu_compression.training import Settings, is_right, speech_top1, train
from labs.shared.keywords import SILENCE, Clips, joined, load_clips
from labs.shared.networks import DSCNN, ds_cnn

FILE = Path(__file__).with_name("checkpoint.npz")
CARD = Path(__file__).with_name("checkpoint.md")
SHA256 = "5699589176c6373e4a83771fddd6e0d25d08cf7b8d34e98a3bbc78eac7a95496"
MEASURED = "## Measured"  # the maker writes all that stands below in the card

TRAINED_ON = ("speech_commands", "speech_commands_v1_sample", "keywords_synthetic")
TESTED_ON = ("speech_commands", "keywords_synthetic")
RECIPE = Settings(epochs=80, copies=20, seed=0)

log = logging.getLogger(__name__)


def load_checkpoint() -> DSCNN:
    """Return the bundled network: width 1.0, trained on real and synthetic words, ready to use.

    Raises
    ------
    DataCorruptError
        If the file is not the one that was shipped.

    Examples
    --------
    >>> network = load_checkpoint()
    >>> network.training, sum(p.numel() for p in network.parameters())
    (False, 23756)
    """
    content = FILE.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataCorruptError(
            f"{FILE.name} has sha256 {found[:12]}..., not {SHA256[:12]}...; install the lab again"
        )
    return network_of(content)


def network_of(content: bytes) -> DSCNN:
    """Return the network that the bytes of a checkpoint hold, in evaluation mode."""
    network = ds_cnn()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        network.load_state_dict({name: torch.from_numpy(arrays[name]) for name in arrays.files})
    return network.eval()


def content_of(network: DSCNN) -> bytes:
    """Return weights and statistics as an .npz of plain float32 arrays; the same bytes each time.

    Arrays are named as in the network; the counters of batch normalisation are whole numbers.
    """
    buffer = io.BytesIO()
    arrays = {name: value.contiguous().numpy() for name, value in network.state_dict().items()}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def make_checkpoint() -> str:
    """Train the network, write the checkpoint and its card; return the sha256 for this module."""
    start = time.process_time()
    parts = [load_clips(name, "train") for name in TRAINED_ON]
    clips = parts[0]
    for part in parts[1:]:
        clips = joined(clips, part)
    validation = load_clips(TRAINED_ON[0], "val")
    network = ds_cnn(seed=RECIPE.seed)
    watch = validation.features(), validation.labels
    for epoch in train(network, clips, watch=watch, settings=RECIPE):
        log.info("pass %d: loss %.3f, val %d/%d", epoch.number, epoch.loss, epoch.correct, epoch.n)
    cpu_s = time.process_time() - start
    content = content_of(network)
    sha256 = hashlib.sha256(content).hexdigest()
    _write_bytes(FILE, content)
    head = CARD.read_text(encoding="utf-8").partition(MEASURED)[0]
    tested = [load_clips(name, split) for name in TESTED_ON for split in ("val", "test")]
    lines = [*_recipe_lines(clips, cpu_s, sha256), "", *table_of(network.eval(), tested)]
    records.write_atomically(CARD, head + MEASURED + "\n\n" + "\n".join(lines) + "\n")
    return sha256


def table_of(network: DSCNN, tested: list[Clips]) -> list[str]:
    """Return a Markdown table: top-1 on each split with its interval over speakers.

    Parameters
    ----------
    network
        Any network of this lab.
    tested
        Splits; silence counts, and also stands apart.
    """
    lines = [
        "| tested on | clips | top-1 | 95 % interval over speakers | words alone | silence alone |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for clips in tested:
        right = is_right(network, (clips.features(), clips.labels)).numpy()
        silent = (clips.labels == SILENCE).numpy()
        top1 = speech_top1(right, clips, rng=np.random.default_rng(0))
        lines.append(
            f"| {clips.name} {clips.split} | {len(clips):,} | {top1.value:.4f} "
            f"| {top1.low:.4f} to {top1.high:.4f} | {right[~silent].mean():.4f} "
            f"| {right[silent].mean():.4f} |"
        )
    return lines


def _recipe_lines(clips: Clips, cpu_s: float, sha256: str) -> list[str]:
    return [
        f"- Trained on: {clips.name}, split {clips.split}, {len(clips):,} clips.",
        f"- Recipe: `labs.mcu_compression.training.train` with `{RECIPE}`.",
        f"- Made with Python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}, {torch.get_num_threads()} thread, in {cpu_s:.0f} CPU-seconds.",
        f"- sha256 of `{FILE.name}`: `{sha256}`",
    ]


def _write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it, then a rename."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    log.info("SHA256 = %s", make_checkpoint())
