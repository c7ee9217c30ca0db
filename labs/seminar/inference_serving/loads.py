"""Requests that arrive at random, drawn by seed: who comes when, with how much to read and write.

Arrivals are a Poisson process, as in the server scenario of MLPerf inference. Lengths are drawn
from a geometric distribution between two ends; that is assumed, no trace of a real service.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Request:
    """What one user asks for.

    Parameters
    ----------
    id
        Number in the order of arrival.
    arrival_ms
        When it comes [ms].
    prompt, output
        Tokens to read, and tokens to write, which a server does not know in advance; here it
        reserves room for them, as if users had set this limit.
    """

    id: int
    arrival_ms: float
    prompt: int
    output: int

    @property
    def tokens(self) -> int:
        """Tokens that the cache must have room for in the end."""
        return self.prompt + self.output


@dataclass(frozen=True)
class Lengths:
    """How long prompts and outputs are: a geometric distribution about a mean, cut at both ends.

    Parameters
    ----------
    prompt, output
        Mean tokens before the cut.
    most
        Tokens of a prompt at most, and of an output at most.
    """

    prompt: int = 48
    output: int = 32
    most: int = 120

    def draw(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Return (number, 2) whole numbers: prompts of 4 or more, outputs of 2 or more."""
        drawn = rng.geometric((1 / self.prompt, 1 / self.output), (number, 2))
        return np.clip(drawn, (4, 2), self.most)

    def means(self) -> tuple[float, float]:
        """Return the mean prompt and the mean output after the cut, exact.

        Examples
        --------
        >>> Lengths(prompt=5, output=4, most=5).means()  # 4 + .8^4, and 2 + .75^2 + .75^3 + .75^4
        (4.4096, 3.30078125)
        """
        prompt, output = (
            low + sum((1 - 1 / mean) ** k for k in range(low, self.most))
            for mean, low in ((self.prompt, 4), (self.output, 2))
        )
        return prompt, output


def poisson(rate_per_s: float, number: int, *, lengths: Lengths, seed: int) -> list[Request]:
    """Return requests whose gaps are exponential, so that arrivals are a Poisson process.

    The same seed gives the same users at every rate: only their gaps stretch.

    Parameters
    ----------
    rate_per_s
        Requests a second in the long run, > 0.
    number
        Requests.
    lengths
        What they read and write.
    seed
        Decides all of it.

    Raises
    ------
    ValueError
        If the rate is not positive.

    Examples
    --------
    >>> slow, fast = (poisson(r, 3, lengths=Lengths(), seed=0) for r in (1.0, 10.0))
    >>> round(slow[2].arrival_ms / fast[2].arrival_ms), slow[2].prompt == fast[2].prompt
    (10, True)
    """
    if not rate_per_s > 0:
        raise ValueError(f"rate_per_s is {rate_per_s}; give a number above 0")
    rng = np.random.default_rng(seed)
    arrivals_ms = np.cumsum(rng.exponential(1e3, number)) / rate_per_s
    drawn = lengths.draw(rng, number)
    return [
        Request(i, float(at_ms), int(prompt), int(output))
        for i, (at_ms, (prompt, output)) in enumerate(zip(arrivals_ms, drawn, strict=True))
    ]
