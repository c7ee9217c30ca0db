"""The table of the worst mistakes: its order, its sounds, and that it shows text as text."""

import io
import wave

import numpy as np
import pytest
import torch
from PIL import Image

from labs.mcu_compression import listening
from labs.shared import keywords

GO, NO = keywords.CLASSES.index("go"), keywords.CLASSES.index("no")


def clips(speaker: str = "ann") -> keywords.Clips:
    tone = 0.25 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000)
    labels = torch.tensor([GO, NO, keywords.SILENCE, GO])
    return keywords.Clips(
        samples=torch.from_numpy(np.tile(tone, (4, 1)).astype(np.float32)),
        labels=labels,
        speakers=np.array([speaker, "bob", "noise7", "cyd"]),
        words=np.array(["go", "no", "_silence_", "go"]),
        name="tones",
        split="val",
        source="a test",
    )


def scores() -> torch.Tensor:
    """Clip 1 is right; 0, 2 and 3 are wrong, and 2 is the surest."""
    answers = torch.zeros(4, 12)
    for k, (heard, sure) in enumerate([(NO, 2.0), (NO, 9.0), (GO, 5.0), (NO, 1.0)]):
        answers[k, heard] = sure
    return answers


def test_the_surest_mistakes_come_first():
    table = listening.worst_mistakes(clips(), scores(), count=2)
    assert table.caption == "The 2 surest of 3 mistakes on 4 clips of tones, val"
    first, second = table.mistakes
    assert (first.said, first.heard, first.speaker) == ("silence", "go", "no speaker")
    assert first.confidence == pytest.approx(np.exp(5) / (np.exp(5) + 11), rel=1e-5)
    assert (
        str(second) == f'"go" heard as "no" ({np.exp(2) / (np.exp(2) + 11):.0%} sure), speaker ann'
    )
    assert repr(table).splitlines()[1:] == [str(first), str(second)]


def test_no_mistakes_make_an_empty_table():
    right = torch.nn.functional.one_hot(clips().labels, 12).float()
    table = listening.worst_mistakes(clips(), right)
    assert table.mistakes == ()
    assert "The 0 surest of 0 mistakes" in table._repr_html_()


def test_the_sound_is_a_second_and_keeps_its_pitch():
    with wave.open(io.BytesIO(listening.wav_of(clips().samples[0]))) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (8_000, 8_000, 1)
        heard = np.frombuffer(file.readframes(8_000), dtype=np.int16)
    assert int(np.abs(np.fft.rfft(heard)).argmax()) == 500  # one second: bin k is k Hz


def test_names_are_shown_as_text():
    page = listening.worst_mistakes(clips('<b>"&'), scores())._repr_html_()
    assert "<b>" not in page
    assert "speaker &lt;b&gt;&quot;&amp;" in page


def test_every_row_has_player_picture_and_text():
    table = listening.worst_mistakes(clips(), scores())
    page = table._repr_html_()
    assert page.count("<audio controls aria-label=") == page.count("<img alt=") == 3
    with Image.open(io.BytesIO(table.mistakes[0].picture)) as image:
        assert image.size == (240, 100)
    assert len(page) < 3 * 40_000  # ten of them stay below half a megabyte


def test_fewer_than_one_is_refused():
    with pytest.raises(ValueError, match="count is 0"):
        listening.worst_mistakes(clips(), scores(), count=0)
