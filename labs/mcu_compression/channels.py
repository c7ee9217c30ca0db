"""A DS-CNN whose layers differ in channels, and the surgery that takes channels out of one.

The network is a chain without shortcuts, so it has five sets of channels: what the stem makes, and
what each of the four blocks makes. Taking a channel out of a set removes, consistently,

- the filter that makes it, with its bias and batch normalisation,
- the depthwise filter that works on it alone, with its bias and batch normalisation,
- the column of weights by which the next pointwise layer, or the head, reads it.

`slim` does that; `hush` computes the same with all channels in place. Which channels go is decided
elsewhere. Nothing is trained here.
"""

import copy
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from labs.shared.networks import DSCNN, seeded

Floats = npt.NDArray[np.float32]
Kept = Sequence[npt.ArrayLike]  # positions of the channels that stay, one array a set
Strongest = Callable[[Floats, int], npt.ArrayLike]


class SlimDSCNN(nn.Module):
    """The network of `labs.shared.networks`, with a number of channels for each set.

    Children, their order and their names are those of `DSCNN`, so whatever walks through one
    walks through the other, and with equal counts they share a ``state_dict``.

    Parameters
    ----------
    channels
        Of the stem and of each block in turn; at least one block, each >= 1.
    classes
        Words to tell apart, with silence and unknown.
    seed
        Of the first weights; the global random state of torch is left as it was.

    Raises
    ------
    ValueError
        If there is no block or a set without channels.

    Examples
    --------
    >>> SlimDSCNN((8, 6, 6, 5, 7))(torch.zeros(2, 1, 49, 10)).shape
    torch.Size([2, 12])
    """

    def __init__(self, channels: Sequence[int], *, classes: int = 12, seed: int = 0) -> None:
        super().__init__()
        if len(channels) < 2 or min(channels) < 1 or classes < 1:
            raise ValueError(
                f"channels is {tuple(channels)}, classes {classes}; give the stem and at least "
                "one block 1 channel or more each, and classes >= 1"
            )
        with seeded(seed):
            self.stem = nn.Sequential(
                nn.ZeroPad2d((1, 1, 4, 5)),
                nn.Conv2d(1, channels[0], (10, 4), stride=2),
                nn.BatchNorm2d(channels[0]),
                nn.ReLU(),
                nn.Dropout(0.2),
            )
            self.blocks = nn.Sequential(
                *(_block(ins, outs) for ins, outs in itertools.pairwise(channels))
            )
            self.head = nn.Sequential(
                nn.Dropout(0.4),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(channels[-1], classes),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (batch, classes), of features, (batch, 1, 49, 10)."""
        logits: Tensor = self.head(self.blocks(self.stem(x)))
        return logits


Network = DSCNN | SlimDSCNN


def channel_counts(network: Network) -> tuple[int, ...]:
    """Return the channels of the stem and of each block.

    Examples
    --------
    >>> channel_counts(SlimDSCNN((8, 6, 5)))
    (8, 6, 5)
    """
    return tuple(layer.out_channels for layer in _makers(network))


def readers(network: Network) -> list[Tensor]:
    """Return for each set the weights that read it, a row a channel.

    Of all but the last set these are the columns of the next block's pointwise layer, of the last
    those of the head. They are views: what is written into them is written into the network.

    Returns
    -------
    list
        (channels, channels of the next set) each, the last (channels, classes).
    """
    pointwise = _makers(network)[1:]
    columns = [layer.weight.detach()[:, :, 0, 0].T for layer in pointwise]
    return [*columns, _linear(network).weight.detach().T]


def choose(network: Network, strongest: Strongest, *, share: float) -> list[npt.NDArray[np.intp]]:
    """Return the channels to keep: in each set those that are read with the largest norm.

    Parameters
    ----------
    network
        Left as it was.
    strongest
        ``strongest(weights, keep)`` returns the positions of the ``keep`` rows that stay.
    share
        Of the channels of each set to keep, in (0, 1]; at least one stays.

    Raises
    ------
    ValueError
        If `share` is out of range, naming it.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; give a share above 0, at most 1")
    rows = [weights.cpu().numpy() for weights in readers(network)]
    return [np.asarray(strongest(w, max(1, round(share * len(w)))), dtype=np.intp) for w in rows]


def slim(network: Network, kept: Kept) -> SlimDSCNN:
    """Return a smaller network that holds only the channels that are kept.

    Parameters
    ----------
    network
        Left as it was.
    kept
        For each set the positions that stay, at least one; their order is kept too.

    Returns
    -------
    SlimDSCNN
        In the mode of `network`; it computes what ``hush(network, kept)`` computes.

    Raises
    ------
    ValueError
        If `kept` does not fit the network, naming the set.
    """
    sets = _checked(network, kept)
    small = SlimDSCNN([len(rows) for rows in sets], classes=_linear(network).out_features)
    _fill(small.stem[1], network.stem[1], rows=sets[0])
    _fill(small.stem[2], network.stem[2], rows=sets[0])
    for to, of, ins, outs in zip(
        _blocks(small), _blocks(network), sets[:-1], sets[1:], strict=True
    ):
        _fill(to[0], of[0], rows=ins)
        _fill(to[1], of[1], rows=ins)
        _fill(to[3], of[3], rows=outs, columns=ins)
        _fill(to[4], of[4], rows=outs)
    everything = torch.arange(_linear(network).out_features)
    _fill(_linear(small), _linear(network), rows=everything, columns=sets[-1])
    return small.train(network.training)


def hush(network: Network, kept: Kept) -> Network:
    """Return a copy in which nobody reads the channels that are not kept; none is taken out."""
    quiet = copy.deepcopy(network)
    for weights, stay in zip(readers(quiet), _checked(network, kept), strict=True):
        gone = torch.ones(len(weights), dtype=torch.bool)
        gone[stay] = False
        weights[gone] = 0.0
    return quiet


def _block(ins: int, outs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(ins, ins, 3, padding=1, groups=ins),
        nn.BatchNorm2d(ins),
        nn.ReLU(),
        nn.Conv2d(ins, outs, 1),
        nn.BatchNorm2d(outs),
        nn.ReLU(),
    )


def _blocks(network: Network) -> list[nn.Sequential]:
    return [block for block in network.blocks if isinstance(block, nn.Sequential)]


def _linear(network: Network) -> nn.Linear:
    (linear,) = (layer for layer in network.head if isinstance(layer, nn.Linear))
    return linear


def _makers(network: Network) -> list[nn.Conv2d]:
    """Return the layers that make the sets: the stem's and each pointwise convolution."""
    layers = [network.stem[1], *(block[3] for block in _blocks(network))]
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]


def _checked(network: Network, kept: Kept) -> list[Tensor]:
    counts = channel_counts(network)
    if len(kept) != len(counts):
        raise ValueError(f"kept has {len(kept)} sets; this network has {len(counts)}")
    sets = [torch.as_tensor(np.asarray(rows)).long() for rows in kept]
    for number, (rows, count) in enumerate(zip(sets, counts, strict=True)):
        fits = rows.numel() and rows.min() >= 0 and rows.max() < count
        if rows.dim() != 1 or not fits or len(set(rows.tolist())) < len(rows):
            raise ValueError(
                f"kept[{number}] is {rows.tolist()}; give different positions from 0 to {count - 1}"
            )
    return sets


def _fill(to: nn.Module, of: nn.Module, *, rows: Tensor, columns: Tensor | None = None) -> None:
    """Copy the chosen rows (and columns) of all that one layer holds into another."""
    source = of.state_dict()
    for name, target in to.state_dict().items():
        values = source[name]
        if values.dim():  # the number of batches seen has none
            values = values[rows.to(values.device)]
        if columns is not None and values.dim() > 1:
            values = values[:, columns.to(values.device)]
        target.copy_(values)
