"""A training that gives the same bits again, and the recipe that says all it depends on.

A recipe is replayed on the CPU, on the same kind of processor and with the same version of PyTorch;
whether it gives the same model is never assumed but shown by the model's hash. The first start of
the optimiser has no past; one that goes on is given its buffers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from course_utils import data
from labs.seminar.model_management import fingerprints, networks
from labs.seminar.model_management.errors import ReplayError
from labs.seminar.model_management.states import Array, State, load_into, state_of


@dataclass(frozen=True)
class Recipe:
    """All that the result of a training depends on, besides the model that it starts from.

    Parameters
    ----------
    network, width
        As for `networks.build`.
    trained
        Layers whose parameters change: names that their tensors' names begin with.
    has_statistics
        Whether batch normalisation also updates its running mean and variance.
    images, seed
        How many of the training digits, and the seed of their order.
    epochs, batch
        Passes over them, and digits a step.
    learning_rate, momentum
        Of SGD.
    threads
        Of PyTorch: sums are split among them, and another split rounds differently.
    data_hash, torch_version
        Of the digits and of PyTorch; filled in by `complete`.
    """

    network: str = "digits"
    width: int = 128
    trained: tuple[str, ...] = ("head.",)
    has_statistics: bool = False
    images: int = 512
    seed: int = 0
    epochs: int = 1
    batch: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    threads: int = 1
    data_hash: str = ""
    torch_version: str = ""

    def complete(self) -> "Recipe":
        """Return the recipe with the hash of the digits and the version of PyTorch here."""
        images, labels = _digits(self.images)
        both = {"images": images.numpy(), "labels": labels.numpy()}
        found = fingerprints.layer_hash(both)
        return replace(self, data_hash=found, torch_version=torch.__version__)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain data."""
        return asdict(self) | {"trained": list(self.trained)}


@dataclass(frozen=True)
class Trained:
    """What a training gives: the `state` of the model, and the optimiser's `buffers`."""

    state: State
    buffers: State


def train(
    state: Mapping[str, Array], recipe: Recipe, *, buffers: Mapping[str, Array] | None = None
) -> Trained:
    """Train from a state by a recipe; the same inputs give the same bits.

    Parameters
    ----------
    state
        Of the network that the recipe names.
    recipe
        How.
    buffers
        The optimiser's momentum from before, or None for a fresh start.
    """
    model = networks.build(recipe.network, seed=0, width=recipe.width)
    load_into(model, state)
    model.train(recipe.has_statistics)
    chosen = {n: p for n, p in model.named_parameters() if n.startswith(recipe.trained)}
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for parameter in chosen.values():
        parameter.requires_grad_(True)
    optimizer = torch.optim.SGD(
        list(chosen.values()), lr=recipe.learning_rate, momentum=recipe.momentum
    )
    for name, array in (buffers or {}).items():
        optimizer.state[chosen[name]]["momentum_buffer"] = torch.from_numpy(array.copy())
    images, labels = _digits(recipe.images, is_large=recipe.network != "digits")
    order = torch.Generator().manual_seed(recipe.seed)
    with _deterministic(recipe.threads):
        for _ in range(recipe.epochs):
            for chunk in torch.split(torch.randperm(len(images), generator=order), recipe.batch):
                optimizer.zero_grad()
                functional.cross_entropy(model(images[chunk]), labels[chunk]).backward()  # type: ignore[no-untyped-call]  # torch's own
                optimizer.step()
    momenta = {
        name: optimizer.state[parameter]["momentum_buffer"].numpy().copy()
        for name, parameter in chosen.items()
        if recipe.momentum
    }
    return Trained(state_of(model), momenta)


def replay(state: State, recipe: dict[str, Any]) -> State:
    """Train again by a recipe of `Recipe.to_json`, as a store asks for it.

    Parameters
    ----------
    state
        The model that it starts from.
    recipe
        As it was saved.

    Raises
    ------
    ReplayError
        If the digits or the version of PyTorch are not those of the recipe.
    """
    asked = Recipe(**recipe | {"trained": tuple(recipe["trained"])})
    here = asked.complete()
    for what, then, now in (
        ("digits", asked.data_hash, here.data_hash),
        ("version of PyTorch", asked.torch_version, here.torch_version),
    ):
        if then != now:
            raise ReplayError(
                f"the {what} of the recipe: {then or 'not recorded'}, here: {now}; replay it where "
                "they agree"
            )
    return train(state, asked).state


@contextmanager
def _deterministic(threads: int) -> Iterator[None]:
    """Run a block with so many threads and without operations that may differ between runs."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def _digits(n: int, *, is_large: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first n training digits, with labels; large ones have 3 channels of 32 x 32."""
    digits = data.load("digits", split="train")
    images = torch.from_numpy(np.ascontiguousarray(digits.x[:n]))
    if is_large:
        images = functional.interpolate(images, scale_factor=4.0).repeat(1, 3, 1, 1)
    return images, torch.from_numpy(digits.y[:n].copy())
