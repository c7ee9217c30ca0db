"""The two workers of the server's loop: one runs real tokens, one adds up measured step times.

The real one feeds characters of the text and takes the most likely next one; its time is the time
that passed. The simulated one knows only how long steps took when they were measured, and draws
their spread by seed.
"""

from collections.abc import Sequence

import numpy as np
import torch

from course_utils.timing import synchronize
from labs.seminar.inference_serving.generation import Slots, extend
from labs.seminar.inference_serving.loads import Request
from labs.seminar.inference_serving.step_times import StepTimes, elapsed_ms
from labs.shared.transformer import Size, Transformer


class RealWorker:
    """Runs the network; a request has a slot from its prompt until it leaves.

    Parameters
    ----------
    model
        On its device.
    size
        Of the network.
    most_running
        Slots.
    text
        (characters,) int64; a prompt is a piece of it that follows from the request's number.
    times
        What it expects prompts to take.
    """

    def __init__(
        self,
        model: Transformer,
        size: Size,
        *,
        most_running: int,
        text: torch.Tensor,
        times: StepTimes,
    ) -> None:
        self.model = model.eval()
        self.device = model.head.weight.device
        self.slots = Slots(size, most_running, device=self.device)
        self.text = text.to(self.device)
        self.times = times
        self.free = list(range(most_running))
        self.slot_of: dict[int, int] = {}
        self.written: dict[int, list[int]] = {}

    def read(self, request: Request) -> float:
        """Run the prompt, keep the first token."""

        def run() -> None:
            slot = self.slot_of[request.id] = self.free.pop()
            start = 1000 * request.id % (len(self.text) - request.prompt)
            codes = self.text[start : start + request.prompt][None]
            logits = extend(self.model, codes, slots=self.slots, rows=[slot])
            self.written[request.id] = [int(logits[0].argmax())]
            synchronize(self.device)

        return elapsed_ms(run)

    def expected_read_ms(self, request: Request) -> float:
        """Say what reading a prompt of this length took when it was measured."""
        return self.times.prefill_ms(request.prompt)

    def write(self, ids: Sequence[int]) -> float:
        """Run one token of each in one batch."""

        def run() -> None:
            rows = [self.slot_of[number] for number in ids]
            last = torch.tensor([[self.written[number][-1]] for number in ids], device=self.device)
            logits = extend(self.model, last, slots=self.slots, rows=rows)
            for number, code in zip(ids, logits.argmax(dim=1).tolist(), strict=True):
                self.written[number].append(int(code))

        return elapsed_ms(run)

    def leave(self, number: int) -> None:
        """Give the slot back."""
        slot = self.slot_of.pop(number)
        self.slots.clear(slot)
        self.free.append(slot)


class SimulatedWorker:
    """Takes the time that steps took when they were measured.

    Parameters
    ----------
    times
        The measured step times.
    seed
        Draws the spread about them; without it every step takes its expected time.
    """

    def __init__(self, times: StepTimes, *, seed: int | None = None) -> None:
        self.times = times
        self.rng = None if seed is None else np.random.default_rng((seed, 1))
        self.tokens: dict[int, int] = {}

    def _spread(self) -> float:
        return 1.0 if self.rng is None else float(self.rng.choice(self.times.ratios))

    def read(self, request: Request) -> float:
        """Take the time of a prompt of this length."""
        self.tokens[request.id] = request.prompt + 1
        return self.times.prefill_ms(request.prompt) * self._spread()

    def expected_read_ms(self, request: Request) -> float:
        """Say the time without its spread."""
        return self.times.prefill_ms(request.prompt)

    def write(self, ids: Sequence[int]) -> float:
        """Take the time of a batch of this size over caches of these lengths."""
        took_ms = self.times.decode_ms(len(ids), sum(self.tokens[number] for number in ids))
        for number in ids:
            self.tokens[number] += 1
        return took_ms * self._spread()

    def leave(self, number: int) -> None:
        """Forget how long it was."""
        del self.tokens[number]
