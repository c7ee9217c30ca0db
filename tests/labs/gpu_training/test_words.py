"""Numbers with their words, in titles and texts."""

import pytest

from labs.gpu_training import words


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [(0, "rank", "0 ranks"), (1, "micro-batch", "1 micro-batch"), (12, "stage", "12 stages")],
)
def test_one_alone_is_singular(count, noun, said):
    assert words.plural(count, noun) == said


@pytest.mark.parametrize(
    ("size_bytes", "said"), [(1e8, "0.1 GB"), (0.99e8, "99 MB"), (7.5e9, "7.5 GB"), (0, "0 MB")]
)
def test_a_size_has_the_unit_that_suits_it(size_bytes, said):
    assert words.decimal_size(size_bytes) == said.replace(" ", "\N{NO-BREAK SPACE}")
