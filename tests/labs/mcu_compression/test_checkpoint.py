"""The bundled network: its file, its card, and how often it is right."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.errors import DataCorruptError
from labs.mcu_compression import checkpoint, training
from labs.shared import keywords
from labs.shared.networks import ds_cnn


@pytest.fixture(scope="module")
def network():
    return checkpoint.load_checkpoint()


def top1(network, clips: keywords.Clips) -> float:
    return float(training.is_right(network, (clips.features(), clips.labels)).float().mean())


def of_the_card(name: str, split: str) -> float:
    """Return the top-1 that the card states."""
    rows = [line.split("|") for line in checkpoint.CARD.read_text().splitlines() if "|" in line]
    return float(next(row[3] for row in rows if row[1].strip() == f"{name} {split}"))


def test_the_synthetic_words_are_heard_as_the_card_says(network):
    clips = keywords.load_clips("keywords_synthetic", "test")
    found = top1(network, clips)
    assert 0.85 < found < 1
    # Another processor rounds sums differently: a clip or two on the edge may fall the other way.
    assert found == pytest.approx(of_the_card("keywords_synthetic", "test"), abs=2.5 / len(clips))


def test_real_words_are_heard_as_the_card_says(network):
    folder = Path(os.environ.get("COURSE_DATA", ""))
    if not (folder / "speech_commands_v2_testset_dev.tar").exists():
        pytest.skip("needs the Speech Commands archive in the folder COURSE_DATA")
    clips = keywords.load_clips("speech_commands", "test")
    found = top1(network, clips)
    assert 0.82 < found < 1
    assert found == pytest.approx(of_the_card("speech_commands", "test"), abs=2.5 / len(clips))


def test_the_file_is_small_plain_and_the_one_that_the_card_names():
    content = checkpoint.FILE.read_bytes()
    assert len(content) < 120_000
    assert f"`{hashlib.sha256(content).hexdigest()}`" in checkpoint.CARD.read_text()
    with np.load(checkpoint.FILE, allow_pickle=False) as arrays:
        kinds = {array.dtype for array in arrays.values()}
    assert kinds == {np.dtype(np.float32), np.dtype(np.int64)}


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    copy = tmp_path / "checkpoint.npz"
    copy.write_bytes(checkpoint.FILE.read_bytes()[:-1] + b"\0")
    copy.write_bytes(copy.read_bytes().replace(b"stem", b"mets", 1))
    monkeypatch.setattr(checkpoint, "FILE", copy)
    with pytest.raises(DataCorruptError, match=r"checkpoint\.npz has sha256"):
        checkpoint.load_checkpoint()


def test_a_network_survives_its_file():
    made = ds_cnn(seed=5).eval()
    content = checkpoint.content_of(made)
    assert content == checkpoint.content_of(made)
    features = torch.randn(4, 1, 49, 10, generator=torch.Generator().manual_seed(0))
    again = training.logits(checkpoint.network_of(content), features)
    torch.testing.assert_close(again, training.logits(made, features), rtol=0, atol=0)


def test_the_table_tells_words_from_silence():
    clips = keywords.load_clips("keywords_synthetic", "val")
    untrained = ds_cnn().eval()
    row = checkpoint.table_of(untrained, [clips])[-1].split("|")
    right = training.is_right(untrained, (clips.features(), clips.labels))
    silent = clips.labels == keywords.SILENCE
    assert [cell.strip() for cell in row[1:3]] == ["keywords_synthetic val", "360"]
    assert float(row[3]) == pytest.approx(float(right.float().mean()), abs=1e-4)
    assert float(row[5]) == pytest.approx(float(right[~silent].float().mean()), abs=1e-4)
    assert float(row[6]) == pytest.approx(float(right[silent].float().mean()), abs=1e-4)
