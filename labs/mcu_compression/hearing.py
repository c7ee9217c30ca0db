"""What a chip hears: a second of sound in a quiet stream, and generated C on an emulated core.

A window of one second ends every 100 ms. Its features are computed here, its codes go to the chip,
the chip's codes come back and become probabilities here, which are smoothed and compared with a
threshold. So what is emulated is the network, not the front end. Instructions are counted on the
first window and on the one with the highest score; the time that they take is an estimate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from course_utils.records import Result
from course_utils.units import MS_PER_S
from labs.mcu_compression import detection
from labs.mcu_compression.bench import Deployed
from labs.mcu_compression.detection import Detection
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.sounds import Sound
from labs.mcu_compression.streams import STRIDE_S, Stream, features_of_stream
from labs.shared import boards
from labs.shared.boards import BOARDS, Board
from labs.shared.keywords import CLASSES, CLIP_SAMPLES, WORDS

Floats = npt.NDArray[np.floating[Any]]
Smooth = Callable[[Floats, int], Floats]
LISTENED = tuple(range(len(WORDS)))
HISS = 0.01  # of full scale: no room is silent, and the network never met digital silence
STRIDE_MS = MS_PER_S * STRIDE_S
PLAYED_PEAK = 0.9  # of the sound in the stream


@dataclass(frozen=True, eq=False, repr=False)
class Hearing:
    """What a chip made of a sound.

    Parameters
    ----------
    sound, stream
        The second, and the three seconds around it that were listened to.
    features
        (windows, 1, 49, 10), what the network reads.
    scores
        (windows, 12), smoothed probabilities.
    detections
        Words that reached the threshold.
    threshold
        That was set.
    instructions
        Fewest and most of the windows that were counted.
    busy
        Estimated time for one window on the board [ms], without wait states, or None.
    board
        Whose clock it was.
    """

    sound: Sound
    stream: Stream
    features: Tensor
    scores: Floats
    detections: tuple[Detection, ...]
    threshold: float
    instructions: tuple[int, int]
    busy: Result | None
    board: Board

    @property
    def said(self) -> str:
        """One sentence: what was detected when."""
        found = [f'"{CLASSES[each.label]}" at {each.time_s:.1f} s' for each in self.detections]
        return f"The chip hears {' and '.join(found) or 'no keyword'}"

    @property
    def load(self) -> str:
        """One sentence: how long the chip computes for each window."""
        if self.busy is None:
            return f"{max(self.instructions):,} instructions a window; cycles are not known"
        low, high = (f"{x:.3g}" for x in (self.busy.low, self.busy.high))
        text = f"busy {low} to {high} ms of every {STRIDE_MS:.0f} ms"
        if self.busy.high <= STRIDE_MS:
            return text
        return f"{text}, so it {'cannot' if self.busy.low > STRIDE_MS else 'may not'} keep up"

    def __repr__(self) -> str:
        return f"{self.said}; {self.load}, {self.board.name}"


def stream_of(sound: Sound, *, seed: int = 0) -> Stream:
    """Return three seconds with a sound in the middle, over a faint hiss.

    Parameters
    ----------
    sound
        Its peak is made the same as that of any other.
    seed
        Of the hiss.
    """
    rng = torch.Generator().manual_seed(seed)
    samples = HISS * torch.randn(3 * CLIP_SAMPLES, generator=rng)
    loud = PLAYED_PEAK * sound.samples / sound.samples.abs().max().clamp_min(1e-9)
    samples[CLIP_SAMPLES : 2 * CLIP_SAMPLES] += loud
    return Stream(samples.clamp(-1, 1), (), WORDS, sound.name, "")


def codes_of(network: IntegerNetwork, features: Tensor) -> npt.NDArray[np.int8]:
    """Return features, (n, 1, 49, 10), as the input codes of a network, (n, 49, 10, 1)."""
    return network.codes(features.numpy().transpose(0, 2, 3, 1))


def chip_posteriors(deployed: Deployed, features: Tensor) -> Floats:
    """Return the probabilities that a chip's output codes stand for, (n, classes).

    Parameters
    ----------
    deployed
        The program on its core; it runs once for each window.
    features
        (n, 1, 49, 10).
    """
    network = deployed.source.network
    tensor = network.tensors[network.output]
    codes = deployed.run(codes_of(network, features)).astype(np.float64)
    exponents = tensor.scale * (codes - codes.max(axis=1, keepdims=True))
    shares = np.exp(exponents)
    found: Floats = shares / shares.sum(axis=1, keepdims=True)
    return found


def listen(
    deployed: Deployed,
    sound: Sound,
    *,
    smooth: Smooth,
    window: int = 3,
    threshold: float = 0.6,
    board: Board = BOARDS["stm32l4r5"],
) -> Hearing:
    """Return what a chip hears in a sound with a second of hiss before and after it.

    Parameters
    ----------
    deployed
        From `bench.deploy`.
    sound
        One second.
    smooth, window
        ``smooth(scores, window)``.
    threshold
        Least smoothed score of a keyword that is detected.
    board
        With the core that the program was made for.

    Raises
    ------
    ValueError
        If the board has another core.
    """
    core = deployed.program.core.key
    if core != board.core:
        raise ValueError(f"the program is for {core}, {board.name} has {board.core}; take another")
    stream = stream_of(sound)
    features = features_of_stream(stream)
    scores = np.asarray(smooth(chip_posteriors(deployed, features), window))
    loudest = int(scores[:, LISTENED].max(axis=1).argmax())
    codes = codes_of(deployed.source.network, features[[0, loudest]])
    profiles = [deployed.profile(each) for each in codes]
    counts = [each.instructions for each in profiles]
    spans = [each.cycles for each in profiles if each.cycles]
    cycles = (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None
    found = detection.detect(scores, listened=LISTENED, threshold=threshold)
    return Hearing(
        sound,
        stream,
        features,
        scores,
        detections=tuple(found),
        threshold=threshold,
        instructions=(min(counts), max(counts)),
        busy=boards.latency_ms(board, cycles),
        board=board,
    )
