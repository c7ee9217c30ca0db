"""Seeds and their expansions as a check deals them: drawn words, and a list of what was asked for.

For whoever plays the other clients of a secure sum. The words are of a random generator, not of
`labs.federated_learning.secure_sum.expand`; nothing is masked here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
MAX_WORDS = 4096


class Pads:
    """Expansions of seeds, to be called with a seed and a size.

    Parameters
    ----------
    rng
        Draws seeds and words.

    Attributes
    ----------
    asked
        Each seed and size that was asked for, in order.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._words: dict[str, Words] = {}
        self.asked: list[tuple[str, int]] = []

    def deal(self, clients: Sequence[int]) -> dict[int, dict[int, str]]:
        """Return fresh seeds: for each client those that it shares, by the other's number."""
        seeds: dict[int, dict[int, str]] = {each: {} for each in clients}
        for place, one in enumerate(clients):
            for other in clients[place + 1 :]:
                seed = f"{one}-{other}-{self._rng.integers(2**62):x}"
                self._words[seed] = self._rng.integers(0, 2**32, MAX_WORDS, np.uint32)
                seeds[one][other] = seeds[other][one] = seed
        return seeds

    def words(self, seed: Any, size: Any) -> Words:
        """Return the first words of a seed's expansion.

        Parameters
        ----------
        seed
            One that was dealt.
        size
            At most `MAX_WORDS`.

        Raises
        ------
        AssertionError
            If it is another one, or too many are asked for.
        """
        if seed not in self._words:
            raise AssertionError(f"expand was given {seed!r:.40}, which is no seed")
        if not isinstance(size, int) or not 0 <= size <= MAX_WORDS:
            raise AssertionError(f"expand was asked for {size!r:.40} words")
        return self._words[seed][:size].copy()

    def __call__(self, seed: Any, size: Any) -> Words:
        """Return the words and write down what was asked for."""
        words = self.words(seed, size)
        self.asked.append((seed, size))
        return words
