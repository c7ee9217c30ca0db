"""Speak to a chip: a recorder, a player, and pictures of what the chip hears, drawn anew each time.

As long as nobody speaks there is a clip of a data set, and without a front end there are two
ordinary pictures. No output holds a sound; the pictures are made of one, so cells that show them
are tagged ``private``, and `lab submit` leaves their outputs out.
"""

from dataclasses import dataclass, field
from typing import Any

from course_utils import plots, widgets
from labs.mcu_compression import speak_pictures
from labs.mcu_compression.bench import Deployed
from labs.mcu_compression.hearing import Hearing, Smooth, listen
from labs.mcu_compression.recorder import Recorder
from labs.mcu_compression.sounds import Sound
from labs.shared.boards import BOARDS, Board
from labs.shared.keywords import CLIP_SAMPLES


@dataclass(repr=False)
class Listener:
    """A chip to speak to: two pictures and, where a front end answers, a recorder.

    Parameters
    ----------
    deployed
        The program on its core.
    sound
        The sound now; as long as nobody spoke, the one to begin with.
    smooth, window, threshold, board
        As for `listen`.
    """

    deployed: Deployed
    sound: Sound
    smooth: Smooth
    window: int = 3
    threshold: float = 0.6
    board: Board = BOARDS["stm32l4r5"]
    _shown: list[Any] = field(default_factory=list, repr=False)

    def hear(self, sound: Sound) -> Hearing:
        """Take a sound, redraw what is shown, and return what the chip hears."""
        hearing = listen(
            self.deployed,
            sound,
            smooth=self.smooth,
            window=self.window,
            threshold=self.threshold,
            board=self.board,
        )
        self.sound = sound
        for shown, picture in zip(self._shown, self.pictures(hearing), strict=False):
            shown.update(picture)
        return hearing

    def _take(self, sound: Sound) -> None:
        self.hear(sound)

    def pictures(self, hearing: Hearing) -> list[plots.Picture]:
        """Return what the network hears, and what the chip answers over time."""
        return [
            speak_pictures.second(
                hearing.sound, title=f"What reaches the network: {_what(hearing)}"
            ),
            speak_pictures.answers(hearing),
        ]

    def _ipython_display_(self) -> None:
        from IPython import display  # noqa: PLC0415 - called in kernels, which have it

        self._shown = [
            display.display(picture, display_id=True)  # type: ignore[no-untyped-call]
            for picture in self.pictures(self.hear(self.sound))
        ]
        if widgets.is_interactive():
            Recorder(self._take, self.sound).show()


def _what(hearing: Hearing) -> str:
    return f"{hearing.features[0].numel()} numbers a window, not the {CLIP_SAMPLES:,} samples"
