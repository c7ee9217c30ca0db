"""A button that records, a button that uploads, and a player, for a notebook that is alive.

What was recorded goes from the browser to the kernel and nowhere else. It stays out of the
notebook file: the fields that carry it are emptied at once, and the player is a widget, whose sound
is in no output. Where a front end stores the state of its widgets all the same, `lab submit` leaves
that state out. Only a front end can show all this; nothing is decided here.
"""

import base64
import binascii
import html
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from labs.mcu_compression.sounds import MAX_BYTES, Sound, SoundError, from_bytes, wav_of

PAGE = Path(__file__).with_name("recorder.html")
SECONDS = 2
PRIVATE = "It stays on this machine: nothing is sent, and no output holds it."


class Recorder:
    """Record, upload and play, as widgets.

    Parameters
    ----------
    on_sound
        Called with each sound that was recorded or uploaded.
    sound
        What the player holds first.
    """

    def __init__(self, on_sound: Callable[[Sound], None], sound: Sound) -> None:
        import ipywidgets  # noqa: PLC0415 - only for a front end

        self._on_sound = on_sound
        self._name = f"recorder-{uuid.uuid4().hex}"
        hidden = ipywidgets.Layout(display="none")
        self._field = ipywidgets.Textarea(layout=hidden)
        self._field.add_class(self._name)
        self._field.observe(self._recorded, names="value")
        self._upload = ipywidgets.FileUpload(
            accept="audio/*,.wav,.flac,.ogg",
            multiple=False,
            description="Upload a sound",
            layout=ipywidgets.Layout(width="max-content"),
        )
        self._upload.observe(self._uploaded, names="value")
        self._player = ipywidgets.Audio(
            value=wav_of(sound), format="wav", autoplay=False, loop=False
        )
        self._said = ipywidgets.HTML(value=_told(sound))
        parts = [self._upload, self._player, self._said, self._field]
        self.box = ipywidgets.VBox(parts)

    @property
    def page(self) -> str:
        """The button that records, as HTML with its script."""
        text = PAGE.read_text(encoding="utf-8")
        return text.replace("BOX", self._name).replace("SECONDS", str(SECONDS))

    def show(self) -> None:
        """Show it below the cell that runs."""
        from IPython import display  # noqa: PLC0415 - called in kernels, which have it

        display.display(display.HTML(self.page))  # type: ignore[no-untyped-call]
        display.display(self.box)  # type: ignore[no-untyped-call]

    def _recorded(self, change: Any) -> None:
        text, self._field.value = change["new"], ""
        if text:
            self._take(partial(_decoded, text), name="your recording")

    def _uploaded(self, change: Any) -> None:
        files, self._upload.value = change["new"], ()
        for file in files[:1]:
            self._take(partial(bytes, file["content"]), name="your file")

    def _take(self, read: Callable[[], bytes], *, name: str) -> None:
        try:
            sound = from_bytes(read(), name=name)
            self._player.value = wav_of(sound)
            self._said.value = "Listening ..."
            self._on_sound(sound)
        except SoundError as err:
            self._said.value = html.escape(f"Not used: {err}")
        else:
            self._said.value = _told(sound)


def _told(sound: Sound) -> str:
    note = f" ({sound.note})" if sound.note else ""
    text = f"{sound.name}{note}, as the network hears it, at 16 kHz."
    return html.escape(f"{text} {PRIVATE}" if sound.is_own else text)


def _decoded(text: str) -> bytes:
    """Return bytes from base64, of which no more than could be used are decoded."""
    if len(text) > 4 * MAX_BYTES // 3 + 4:
        raise SoundError("the recording is too long; record again")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise SoundError("the recording arrived damaged; record again") from err
