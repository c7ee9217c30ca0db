"""Networks that more than one lab works on, as plain torch modules.

- ``ds_cnn``   the keyword-spotting network of MLPerf Tiny: small enough for a microcontroller

Weights come from the seed given alone: torch's global random state is left as it was. Nothing is
trained or loaded here.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

KEYWORD_SHAPE = (1, 49, 10)  # channel, time frames of 20 ms, mel-frequency cepstral coefficients
CHANNELS = 64
BLOCKS = 4


class DSCNN(nn.Module):
    """Depthwise-separable CNN: a convolution, then blocks that filter and mix in turn.

    A depthwise convolution filters each channel by itself, a pointwise one (1 x 1) mixes the
    channels: about 8 times fewer multiplications than a full 3 x 3 convolution.

    Parameters
    ----------
    classes
        Words to tell apart, with silence and unknown.
    channels
        Channels of every layer.

    Attributes
    ----------
    stem
        (batch, 1, 49, 10) -> (batch, channels, 25, 5), by a 10 x 4 kernel with stride 2.
    blocks
        (batch, channels, 25, 5), the shape stays the same.
    head
        -> (batch, classes), logits.
    """

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.ZeroPad2d((1, 1, 4, 5)),  # TensorFlow's "same" for stride 2: the odd row goes below
            nn.Conv2d(1, channels, (10, 4), stride=2),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.blocks = nn.Sequential(*(_separable_block(channels) for _ in range(BLOCKS)))
        self.head = nn.Sequential(
            nn.Dropout(0.4),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits, (batch, classes), of features, (batch, 1, 49, 10)."""
        logits: torch.Tensor = self.head(self.blocks(self.stem(x)))
        return logits


def ds_cnn(*, classes: int = 12, width: float = 1.0, seed: int = 0) -> DSCNN:
    """Return the untrained keyword-spotting network of MLPerf Tiny, in training mode.

    At width 1.0 and with batch normalisation folded: 22,604 parameters, 2,656,768 MACs and at most
    16,000 input and output elements of a layer.

    Parameters
    ----------
    classes
        >= 1; 12 = ten words, silence, unknown.
    width
        Multiplies the 64 channels; rounded to a whole number of channels, at least 1.
    seed
        Fixes the weights; the same on every machine.

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    Topology: github.com/mlcommons/tiny, benchmark/training/keyword_spotting/keras_model.py, with
    dropout and biases as there; the weights are torch's initialisation, not Keras'. From Zhang et
    al., Hello Edge: Keyword Spotting on Microcontrollers, arXiv 1711.07128.

    Examples
    --------
    >>> ds_cnn()(torch.zeros(2, *KEYWORD_SHAPE)).shape
    torch.Size([2, 12])
    """
    if classes < 1 or not 0 < width < math.inf:
        raise ValueError(f"classes is {classes}, width {width}; give classes >= 1 and width > 0")
    with seeded(seed):
        return DSCNN(classes, max(1, round(CHANNELS * width)))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Build modules on the CPU with weights from a seed; the global random state comes back after.

    Examples
    --------
    >>> with seeded(7):
    ...     one = nn.Linear(2, 1)
    >>> with seeded(7):
    ...     two = nn.Linear(2, 1)
    >>> bool((one.weight == two.weight).all())
    True
    """
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        yield


def _separable_block(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 1),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
