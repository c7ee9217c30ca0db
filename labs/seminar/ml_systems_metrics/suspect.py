"""A training run that can go wrong in four ways, and the log it leaves.

The network has one hidden layer with batch normalisation and dropout and learns from few of the
bundled digits by plain SGD. Each fault is one line of code that a busy person writes; a run has any
set of them. The log holds what a careful person would have kept: the rows trained and tested on,
the gradient of each of the first steps' own batches, and by how much the weights really changed.
The run judges nothing: finding the faults is exercise 8.6.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_utils import stats
from course_utils.records import Result

Floats = npt.NDArray[np.float64]
FAULTS = {
    "leak": "test digits among the training digits",
    "gradients": "gradients not set to zero before a step",
    "mode": "evaluation with dropout and batch statistics on",
    "rate": "a learning rate in per cent taken as a number",
}
SUSPICIOUS = ("mode", "leak", "gradients")  # what exercise 8.6 is to find
TRAIN, TEST, BATCH, LOGGED_STEPS = 200, 400, 50, 12
RATE = 0.1


@dataclass(frozen=True)
class Log:
    """What a run leaves.

    Parameters
    ----------
    train, test
        Rows (n, 64) of the digits trained and tested on.
    labels
        (n,), of the test rows.
    learning_rate
        As the run's settings state it.
    gradients, updates
        (steps, numbers) of the last layer's weights: gradient of the step's own batch, and weights
        after less before the step.
    losses
        One a step, of all steps.
    predict
        Rows to scores (n, 10), as the run evaluates.
    """

    train: Floats
    test: Floats
    labels: npt.NDArray[np.int64]
    learning_rate: float
    gradients: Floats
    updates: Floats
    losses: Floats
    predict: Callable[[npt.ArrayLike], Floats]

    @property
    def accuracy(self) -> Result:
        """The share that the run reports, with Wilson's interval."""
        hits = self.hits()
        return stats.proportion_interval(int(hits.sum()), len(hits)).result()

    def hits(self) -> npt.NDArray[np.bool_]:
        """Return for each test row whether the run's own evaluation gets it right."""
        right: npt.NDArray[np.bool_] = self.predict(self.test).argmax(axis=1) == self.labels
        return right


def run(
    digits: tuple[Floats, npt.NDArray[np.int64]], faults: Iterable[str], *, epochs: int, seed: int
) -> Log:
    """Train, and return the log.

    Parameters
    ----------
    digits
        Rows (n, 64) in [0, 1] and labels (n,), at least 600.
    faults
        Any of `FAULTS`.
    epochs
        Passes over the training rows.
    seed
        Of weights, order and dropout; the global random state stays as it was.

    Raises
    ------
    ValueError
        If a fault is unknown, naming it and those there are.
    """
    present = frozenset(faults)
    if unknown := sorted(present - set(FAULTS)):
        raise ValueError(f"no fault {unknown[0]!r}; give any of: {', '.join(FAULTS)}")
    rows, labels = (torch.as_tensor(x) for x in digits)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    test, train = order[:TEST], order[TEST : TEST + TRAIN]
    if "leak" in present:
        train = torch.cat([train[: TRAIN // 4], test[: TRAIN - TRAIN // 4]])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _network()
        recorded = _train(model, (rows[train], labels[train]), present, epochs)
        predict = _predictor(model, is_training="mode" in present, seed=seed)
    return Log(
        rows[train].numpy(), rows[test].numpy(), labels[test].numpy(), RATE, *recorded, predict
    )


def _network() -> nn.Sequential:
    layers = (nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 10))
    return nn.Sequential(*layers).double()


def _train(
    model: nn.Sequential, digits: tuple[Tensor, Tensor], faults: frozenset[str], epochs: int
) -> tuple[Floats, Floats, Floats]:
    weights = next(iter(model[-1].parameters()))
    rate = 100 * RATE if "rate" in faults else RATE
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    gradients, updates, losses = [], [], []
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(digits[1])), BATCH):
            if "gradients" not in faults:
                optimizer.zero_grad()
            loss = functional.cross_entropy(model(digits[0][batch]), digits[1][batch])
            (own,) = torch.autograd.grad(loss, weights, retain_graph=True)
            before = weights.detach().clone()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no type
            optimizer.step()
            losses.append(loss.item())
            if len(losses) <= LOGGED_STEPS:
                gradients.append(own.flatten().numpy())
                updates.append((weights.detach() - before).flatten().numpy())
    return np.array(gradients), np.array(updates), np.array(losses)


def _predictor(
    model: nn.Sequential, *, is_training: bool, seed: int
) -> Callable[[npt.ArrayLike], Floats]:
    # A generator of its own for the dropout of the fault, so that nothing else is disturbed.
    state = torch.Generator().manual_seed(seed).get_state()

    @torch.no_grad()
    def predict(rows: npt.ArrayLike) -> Floats:
        nonlocal state
        model.train(is_training)
        inputs = torch.as_tensor(np.array(rows, dtype=np.float64))
        if is_training and len(inputs) == 1:
            inputs = inputs.repeat(2, 1)  # batch statistics of one row do not exist
        kept = [buffer.clone() for buffer in model.buffers()]
        with torch.random.fork_rng(devices=[]):
            torch.random.set_rng_state(state)
            scores = model(inputs)[: len(np.atleast_2d(np.asarray(rows)))]
            state = torch.random.get_rng_state()
        for buffer, value in zip(model.buffers(), kept, strict=True):
            buffer.copy_(value)
        found: Floats = scores.numpy()
        return found

    return predict
