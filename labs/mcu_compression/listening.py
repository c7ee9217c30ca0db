"""The worst mistakes of a network, to look at and to listen to.

A mistake is the worse, the surer the network was. Each becomes a row of an HTML table: a player, a
picture of the sound and of its coefficients, and one line of text that says the same without
either. Nothing is trained or measured here.
"""

import base64
import html
import io
import wave
from dataclasses import dataclass, field

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from labs.shared.features import SAMPLE_RATE_HZ
from labs.shared.keywords import CLASSES, SILENCE, Clips, features_of

PLAYED_RATE_HZ = SAMPLE_RATE_HZ // 2  # holds all up to 4 kHz, which is all that the network gets
_PICTURE_INCHES = (2.4, 1.0)


@dataclass(frozen=True)
class Mistake:
    """A clip that was taken for another word.

    Parameters
    ----------
    said, heard
        The word that was spoken, and the class that the network chose.
    confidence
        Its softmax probability of that class, 0 to 1.
    speaker
        Who spoke.
    sound
        The clip as a WAV file, half the sample rate.
    picture
        Its samples above its coefficients, as PNG.
    """

    said: str
    heard: str
    confidence: float
    speaker: str
    sound: bytes = field(repr=False)
    picture: bytes = field(repr=False)

    def __str__(self) -> str:
        return f'"{self.said}" heard as "{self.heard}" ({self.confidence:.0%} sure), {self.speaker}'

    def html_row(self) -> str:
        """Return a row of a table; every text is escaped."""
        text = html.escape(str(self), quote=True)
        sound, picture = (base64.b64encode(x).decode("ascii") for x in (self.sound, self.picture))
        player = f'<audio controls aria-label="{text}" src="data:audio/wav;base64,{sound}"></audio>'
        alt = f"Samples and coefficients of the clip {text}"
        image = f'<img alt="{alt}" src="data:image/png;base64,{picture}">'
        return f"<tr><td>{text}</td><td>{player}</td><td>{image}</td></tr>"


@dataclass(frozen=True)
class MistakeTable:
    """Mistakes as a notebook shows them: a table with players, or lines of text."""

    caption: str
    mistakes: tuple[Mistake, ...]

    def __repr__(self) -> str:
        return "\n".join([self.caption, *map(str, self.mistakes)])

    def _repr_html_(self) -> str:
        rows = "".join(mistake.html_row() for mistake in self.mistakes)
        names = ("what was said, heard and how sure", "listen", "samples above, coefficients below")
        head = "".join(f'<th scope="col">{name}</th>' for name in names)
        caption = f"<caption>{html.escape(self.caption)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def worst_mistakes(clips: Clips, scores: Tensor, *, count: int = 10) -> MistakeTable:
    """Return the wrong answers that the network was surest of, the surest first.

    Parameters
    ----------
    clips
        What was listened to.
    scores
        (n, classes), logits of these clips.
    count
        At most so many, >= 1.

    Raises
    ------
    ValueError
        If `count` is below 1, naming it.
    """
    if count < 1:
        raise ValueError(f"count is {count}; give at least 1")
    confidence, heard = torch.softmax(scores, 1).max(1)
    wrong = (heard != clips.labels).nonzero()[:, 0]
    order = wrong[confidence[wrong].argsort(descending=True, stable=True)][:count].tolist()
    mistakes = tuple(_mistake(clips, k, int(heard[k]), float(confidence[k])) for k in order)
    caption = (
        f"The {len(mistakes)} surest of {len(wrong)} mistakes on {len(clips)} clips "
        f"of {clips.name}, {clips.split}"
    )
    return MistakeTable(caption, mistakes)


def wav_of(samples: Tensor) -> bytes:
    """Return one clip as a WAV file of 16 bits, at half the sample rate.

    Neighbouring samples are averaged, which is a coarse low-pass filter and good enough to listen.

    Parameters
    ----------
    samples
        (time,), float, an even number; louder than 1 is scaled down by `worst_mistakes`.
    """
    halved = samples.reshape(-1, SAMPLE_RATE_HZ // PLAYED_RATE_HZ).mean(1)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAYED_RATE_HZ)
        file.writeframes((halved.clamp(-1, 1) * 32767).short().numpy().tobytes())
    return buffer.getvalue()


def _mistake(clips: Clips, k: int, heard: int, confidence: float) -> Mistake:
    samples = clips.samples[k]
    loud = 0.9 * samples / samples.abs().max().clamp_min(1e-9)  # so that quiet clips can be heard
    silent = int(clips.labels[k]) == SILENCE
    return Mistake(
        said="silence" if silent else str(clips.words[k]),
        heard=CLASSES[heard].strip("_"),
        confidence=confidence,
        speaker="no speaker" if silent else f"speaker {clips.speakers[k]}",
        sound=wav_of(loud),
        picture=_picture(loud),
    )


def _picture(samples: Tensor) -> bytes:
    """Return samples above coefficients, second by second, as a small PNG without words."""
    figure = Figure(figsize=_PICTURE_INCHES, dpi=100)
    above, below = figure.subplots(2, 1)
    above.plot(samples[::8].numpy(), color="0.35", linewidth=0.4)
    above.set(ylim=(-1, 1), xlim=(0, len(samples) / 8))
    below.imshow(features_of(samples[None])[0, 0].T.numpy(), aspect="auto", origin="lower")
    for axes in (above, below):
        axes.set_axis_off()
    figure.subplots_adjust(0, 0, 1, 1, hspace=0)
    file = io.BytesIO()
    figure.savefig(file)
    with Image.open(file) as image:
        image.convert("RGB").quantize(32).save(file := io.BytesIO(), "png", optimize=True)
    return file.getvalue()
