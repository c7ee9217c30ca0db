"""The second workload: torchvision's ResNet on the digits, trained with SGD or AdamW.

Group normalisation takes the place of batch normalisation, whose statistics depend on the batch
size and would so be a second thing that changes with it. `distances` compares large batches with
small ones over the same examples. It reads no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils import data
from labs.shared.networks import seeded

SMALL_BATCH = 8
GROUPS = 8
# Chosen once for each optimiser with small batches: stable, and most digits right in one epoch.
LEARNING_RATES: Mapping[str, float] = {"SGD": 3e-3, "AdamW": 2e-4}
MOMENTUM = 0.9


@dataclass(frozen=True)
class Run:
    """What a training run came to.

    Parameters
    ----------
    weights
        All of them in one vector, before and after.
    loss
        Mean cross-entropy of the validation digits afterwards [nat].
    """

    weights: tuple[torch.Tensor, torch.Tensor]
    loss: float


def network(seed: int) -> nn.Module:
    """Return the first half of torchvision's ResNet-10, for images of 8 x 8."""
    resnet = data.import_torchvision().models.resnet
    norm = partial(nn.GroupNorm, GROUPS)
    with seeded(seed):
        model: nn.Module = resnet.ResNet(
            resnet.BasicBlock, [1, 1, 1, 1], num_classes=10, norm_layer=norm
        )
        model.conv1 = nn.Conv2d(1, 64, 3, stride=2, padding=1, bias=False)
        model.maxpool = model.layer3 = model.layer4 = nn.Identity()
        model.fc = nn.Linear(128, 10)
    return model


def digits(split: str = "train") -> tuple[torch.Tensor, torch.Tensor]:
    """Return images, (n, 1, 8, 8) float32 from 0 to 1, and labels, (n,) int64."""
    loaded = data.load("digits", split=split)
    return torch.from_numpy(loaded.x), torch.from_numpy(np.asarray(loaded.y)).long()


def optimizer(name: str, model: nn.Module, *, learning_rate: float) -> torch.optim.Optimizer:
    """Return SGD with momentum, or AdamW, over the weights of a model.

    Parameters
    ----------
    name
        ``SGD`` or ``AdamW``.
    model
        What is trained.
    learning_rate
        Of every weight.
    """
    if name == "SGD":
        return torch.optim.SGD(model.parameters(), learning_rate, momentum=MOMENTUM)
    return torch.optim.AdamW(model.parameters(), learning_rate)


def train(name: str, *, batch: int, steps: int, factor: float = 1.0, seed: int = 0) -> Run:
    """Train from fresh weights on the digits, in an order that only the seed decides.

    Parameters
    ----------
    name
        ``SGD`` or ``AdamW``.
    batch, steps
        Images of a step, and steps.
    factor
        Of the learning rate that suits `SMALL_BATCH`.
    seed
        Of weights and order.
    """
    model, (images, labels) = network(seed), digits()
    before = _vector(model)
    by = optimizer(name, model, learning_rate=factor * LEARNING_RATES[name])
    for chosen in _order(len(images), batch * steps, seed).reshape(steps, batch):
        by.zero_grad()
        torch.autograd.backward(functional.cross_entropy(model(images[chosen]), labels[chosen]))
        by.step()
    held_out, truth = digits("val")
    with torch.no_grad():
        loss = float(functional.cross_entropy(model(held_out), truth))
    return Run((before, _vector(model)), loss)


def distances(
    name: str, *, times: int, factors: Sequence[float], steps: int, seed: int
) -> list[dict[str, float]]:
    """Return, for each factor, where a large batch ends, compared with the small one.

    Both see the same examples; the large one takes one step where the small one takes `times`.
    Rows: ``factor``; ``travelled``, how far the weights moved, and ``apart``, how far they end
    from those of small batches, both in units of how far small batches moved them; ``loss`` and
    ``small_loss``.

    Parameters
    ----------
    name
        ``SGD`` or ``AdamW``.
    times
        Large batch over small batch.
    factors
        Of the learning rate.
    steps
        With the large batch.
    seed
        Of weights and order.
    """
    small = train(name, batch=SMALL_BATCH, steps=times * steps, seed=seed)
    start, end = small.weights
    way = float((end - start).norm())
    rows = []
    for factor in factors:
        run = train(name, batch=times * SMALL_BATCH, steps=steps, factor=factor, seed=seed)
        found = run.weights[1]
        row = {"factor": float(factor), "travelled": float((found - start).norm()) / way}
        row |= {"apart": float((found - end).norm()) / way}
        rows.append(row | {"loss": run.loss, "small_loss": small.loss})
    return rows


def _vector(model: nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in model.parameters()])


def _order(images: int, examples: int, seed: int) -> torch.Tensor:
    """Return positions, each pass over the images in another order."""
    passes = -(-examples // images)
    drawn = [np.random.default_rng((seed, k)).permutation(images) for k in range(passes)]
    return torch.from_numpy(np.concatenate(drawn)[:examples])
