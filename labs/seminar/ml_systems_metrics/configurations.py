"""A space of configurations of one service: threads, batch, number format and width of the network.

Networks for the bundled digits are trained once a width. Then all configurations are timed in
rounds, each round in a new order, so that a busy minute hits none of them alone and rounds are
pairs. Which configurations are worth having is decided elsewhere.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_utils import stats
from course_utils.records import Result, counted

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CLASSES = 10
QUANTITIES = ("accuracy", "throughput", "latency", "size")
BETTER = ("higher", "higher", "lower", "lower")
Digits = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Setting:
    """One configuration.

    Parameters
    ----------
    threads
        Of PyTorch, >= 1.
    batch
        Digits in one call.
    dtype
        One of `DTYPES`, of weights and activations.
    width
        Channels of the first convolution.
    """

    threads: int
    batch: int
    dtype: str
    width: int

    @property
    def name(self) -> str:
        """A short name: threads, batch, format and width."""
        return f"{self.threads}t b{self.batch} {self.dtype.replace('float', 'f')} w{self.width}"


@dataclass(frozen=True)
class Measured:
    """What was found for one setting.

    Parameters
    ----------
    setting
        The configuration.
    accuracy
        Share of digits that are right, with Wilson's interval.
    throughput
        Digits a second: median over rounds.
    latency
        Milliseconds until the answer to a whole batch is there: median over rounds.
    size
        Bytes of the weights.
    """

    setting: Setting
    accuracy: Result
    throughput: Result
    latency: Result
    size: Result

    @property
    def quantities(self) -> tuple[Result, Result, Result, Result]:
        """In the order of `QUANTITIES`."""
        return self.accuracy, self.throughput, self.latency, self.size

    def row(self) -> dict[str, str]:
        """Return the setting and its quantities as text, heading to text."""
        told = {"setting": self.setting.name, "top1": self.accuracy.describe("")}
        told |= {"digits per second": self.throughput.describe("")}
        return told | {
            "batch": self.latency.describe("latency_ms"),
            "bytes": f"{self.size.value:,}",
        }


def grid(
    *, threads: Sequence[int], batches: Sequence[int], dtypes: Sequence[str], widths: Sequence[int]
) -> list[Setting]:
    """Return every combination.

    Parameters
    ----------
    threads, batches, dtypes, widths
        Values of each axis.

    Raises
    ------
    ValueError
        If a number format is unknown, naming it.

    Examples
    --------
    >>> [s.name for s in grid(threads=[1], batches=[1, 8], dtypes=["float32"], widths=[4])]
    ['1t b1 f32 w4', '1t b8 f32 w4']
    """
    for dtype in dtypes:
        if dtype not in DTYPES:
            raise ValueError(f"dtype is {dtype!r}; give one of: {', '.join(DTYPES)}")
    return [Setting(*each) for each in itertools.product(threads, batches, dtypes, widths)]


def network(width: int, *, seed: int) -> nn.Sequential:
    """Return an untrained network for 8x8 digits; the global random state stays as it was.

    Parameters
    ----------
    width
        Channels of the first convolution, >= 1; the second has twice as many.
    seed
        Of the first weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * width, CLASSES),
        )


def trained(width: int, digits: Digits, *, epochs: int, seed: int) -> nn.Sequential:
    """Return a network trained with Adam on batches of 64.

    Parameters
    ----------
    width, seed
        As in `network`; the seed also gives the order of the digits.
    digits
        Pictures (n, 1, 8, 8) and labels (n,).
    epochs
        Passes over them, >= 1.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; give at least 1")
    model, (images, labels) = network(width, seed=seed), digits
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(labels), generator=generator), 64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no type
            optimizer.step()
    return model.eval()


@torch.no_grad()
def is_right(model: nn.Module, digits: Digits) -> npt.NDArray[np.bool_]:
    """Return for each digit whether the highest score is its label.

    Parameters
    ----------
    model
        In any number format; the pictures are cast to it.
    digits
        Pictures and labels.
    """
    dtype = next(model.parameters()).dtype
    right: npt.NDArray[np.bool_] = (model(digits[0].to(dtype)).argmax(1) == digits[1]).numpy()
    return right


@torch.no_grad()
def explore(
    settings: Sequence[Setting],
    models: Mapping[int, nn.Module],
    *,
    digits: Digits,
    rounds: int,
    rng: np.random.Generator,
) -> list[Measured]:
    """Return accuracy, throughput, latency and size of each setting.

    Parameters
    ----------
    settings
        The configurations.
    models
        Width to trained network in float32; left as they are.
    digits
        Digits to be right on and to fill batches with.
    rounds
        Samples of each time, >= 6.
    rng
        Gives the order within each round.

    Raises
    ------
    ValueError
        If `rounds` is below 6, the fewest that support an interval of 95 %.
    """
    if rounds < 6:
        raise ValueError(f"rounds is {rounds}; give at least 6, or medians have no interval")
    cast = {
        (width, dtype): _copy(models[width]).to(DTYPES[dtype])
        for width, dtype in {(s.width, s.dtype) for s in settings}
    }
    samples_s = np.empty((len(settings), rounds))
    before = torch.get_num_threads()
    try:
        for turn in range(rounds):
            for place in rng.permutation(len(settings)):
                setting = settings[place]
                samples_s[place, turn] = _batch_s(
                    cast[setting.width, setting.dtype], setting, digits
                )
    finally:
        torch.set_num_threads(before)
    hits = {key: is_right(model, digits) for key, model in cast.items()}
    return [
        _measured(s, hits[s.width, s.dtype], samples_s[i], cast[s.width, s.dtype])
        for i, s in enumerate(settings)
    ]


def _copy(model: nn.Module) -> nn.Module:
    width = next(model.parameters()).shape[0]
    twin = network(width, seed=0)
    twin.load_state_dict(model.state_dict())
    return twin.eval()


def _batch_s(model: nn.Module, setting: Setting, digits: Digits) -> float:
    """Return the seconds of one batch: the median of as many calls as last about 6 ms.

    The median, since one interruption of the process would spoil a mean.
    """
    torch.set_num_threads(setting.threads)
    images = digits[0][: setting.batch].to(DTYPES[setting.dtype])
    model(images)
    stamps = [perf_counter()]
    while len(stamps) < 4 or stamps[-1] - stamps[0] < 0.006:
        model(images)
        stamps.append(perf_counter())
    return float(np.median(np.diff(stamps)))


def _measured(
    setting: Setting,
    hits: npt.NDArray[np.bool_],
    samples_s: npt.NDArray[np.float64],
    model: nn.Module,
) -> Measured:
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    return Measured(
        setting,
        accuracy=stats.proportion_interval(int(hits.sum()), len(hits)).result(),
        throughput=stats.median_interval(setting.batch / samples_s).result(),
        latency=stats.median_interval(1e3 * samples_s).result(),
        size=counted(size),
    )
