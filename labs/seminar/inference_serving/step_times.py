"""How long a step takes on this machine, measured once and fitted by two straight lines.

A prompt of n tokens takes ``a + b n``; one token each for a batch of s sequences that hold c tokens
together takes ``p + q s + r c``. The fit goes through the medians of each size, weighs relative
errors, and keeps the ratio of every measured time to its fitted one as the spread. It knows no
queue.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import optimize

from course_utils.timing import synchronize
from labs.seminar.inference_serving.generation import Slots, extend
from labs.shared.transformer import Size, Transformer

PROMPTS = (8, 32, 64, 120)
SEQUENCES = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class StepTimes:
    """Step times of a machine, as fitted.

    Parameters
    ----------
    prefill
        (a, b): ms of a prompt, and ms a token of it.
    decode
        (p, q, r): ms of a step, ms a sequence, ms a token in the caches.
    ratios
        Measured over fitted time, of every measurement.
    """

    prefill: tuple[float, float]
    decode: tuple[float, float, float]
    ratios: tuple[float, ...] = (1.0,)

    def prefill_ms(self, prompt: int) -> float:
        """Return how long a prompt of so many tokens takes.

        Examples
        --------
        >>> StepTimes((2.0, 0.5), (4.0, 1.0, 0.01)).prefill_ms(10)
        7.0
        """
        return self.prefill[0] + self.prefill[1] * prompt

    def decode_ms(self, sequences: int, tokens: int) -> float:
        """Return how long one token each takes.

        Parameters
        ----------
        sequences
            In the batch.
        tokens
            In their caches, all together.

        Examples
        --------
        >>> StepTimes((2.0, 0.5), (4.0, 1.0, 0.01)).decode_ms(2, 100)
        7.0
        """
        return self.decode[0] + self.decode[1] * sequences + self.decode[2] * tokens

    def capacity_per_s(self, prompt: float, output: float, *, batch: int) -> float:
        """Return requests a second when the batch is always full; modelled, an upper end.

        Parameters
        ----------
        prompt, output
            Mean tokens of a request.
        batch
            Requests that run at once.

        Examples
        --------
        >>> times = StepTimes((2.0, 0.0), (8.0, 0.0, 0.0))
        >>> times.capacity_per_s(10, 2, batch=1)  # 2 ms, and the second token 8 ms
        100.0
        """
        held = batch * (prompt + output / 2)
        step_ms = self.decode[0] + self.decode[1] * batch + self.decode[2] * held
        return 1e3 / (self.prefill[0] + self.prefill[1] * prompt + (output - 1) * step_ms / batch)


Sample = tuple[tuple[float, ...], float]  # what it depends on, and ms


def elapsed_ms(run: Callable[[], None]) -> float:
    """Return how long a call takes."""
    start_s = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start_s)


def fit(samples: Sequence[Sample]) -> tuple[tuple[float, ...], list[float]]:
    """Return coefficients, none negative, and measured over fitted time of every sample.

    Parameters
    ----------
    samples
        Pairs of what the time depends on (a constant 1 first) and the time [ms].

    Examples
    --------
    >>> coefficients, ratios = fit([((1.0, 2.0), 5.0), ((1.0, 4.0), 9.0)])
    >>> [round(each, 9) for each in (*coefficients, *ratios)]
    [1.0, 2.0, 1.0, 1.0]
    """
    inputs = np.array([each for each, _ in samples])
    times_ms = np.array([each for _, each in samples])
    sizes = np.unique(inputs, axis=0)
    medians_ms = [np.median(times_ms[(inputs == size).all(axis=1)]) for size in sizes]
    # Each row divided by its time: the squares are then of relative errors.
    found, _ = optimize.nnls(sizes / np.array(medians_ms)[:, None], np.ones(len(sizes)))
    ratios = times_ms / (inputs @ found)
    return tuple(float(each) for each in found), [float(each) for each in ratios]


def measure(model: Transformer, size: Size, *, repeats: int) -> tuple[list[Sample], list[Sample]]:
    """Measure prompts and decode steps of several sizes, each `repeats` times after a warm-up.

    Parameters
    ----------
    model
        On its device, in evaluation mode.
    size
        Of the network.
    repeats
        Measurements of each size; all sizes are gone through before the next repeat, so that a
        slow moment of the machine does not fall on one size alone.

    Returns
    -------
    Samples of prompts, and samples of decode steps, for `fit`.
    """
    device = model.head.weight.device
    slots = Slots(size, max(SEQUENCES), device=device)
    prompts = [n for n in PROMPTS if n < size.context]
    held = [max(1, size.context * share // 8) for share in (1, 4, 7)]
    reads: list[Sample] = []
    writes: list[Sample] = []
    for repeat in range(repeats + 1):
        is_warm = repeat > 0
        for n in prompts:
            took_ms = _step_ms(model, slots, sequences=1, held=0, new=n)
            reads += [((1.0, float(n)), took_ms)] * is_warm
        for sequences in SEQUENCES:
            for tokens in held:
                took_ms = _step_ms(model, slots, sequences=sequences, held=tokens, new=1)
                writes += [((1.0, float(sequences), float(sequences * tokens)), took_ms)] * is_warm
    return reads, writes


def _step_ms(model: Transformer, slots: Slots, *, sequences: int, held: int, new: int) -> float:
    codes = torch.zeros(sequences, new, dtype=torch.int64, device=slots.lengths.device)
    slots.lengths[:] = held

    def run() -> None:
        extend(model, codes, slots=slots, rows=range(sequences))
        synchronize(codes.device)

    return elapsed_ms(run)


def measure_and_fit(model: Transformer, size: Size, *, repeats: int) -> StepTimes:
    """Return the step times of this machine.

    Parameters
    ----------
    model, size, repeats
        As for `measure`.
    """
    return fitted(measure(model, size, repeats=repeats))


def fitted(*measured: tuple[list[Sample], list[Sample]]) -> StepTimes:
    """Return the step times of one or several measurements together.

    Parameters
    ----------
    measured
        What `measure` returned.
    """
    (a, b), read_ratios = fit([sample for reads, _ in measured for sample in reads])
    (p, q, r), write_ratios = fit([sample for _, writes in measured for sample in writes])
    return StepTimes((a, b), (p, q, r), (*read_ratios, *write_ratios))
