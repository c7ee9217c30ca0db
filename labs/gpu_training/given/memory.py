"""Stand-ins for the two functions of exercise 2.3: torch's optimisers and its graph are asked."""

from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import nn

__all__ = ["activation_bytes", "state_bytes"]

_TYPES = {"float32": torch.float32, "mixed": torch.bfloat16}
_OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=1e-3),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=1e-3, momentum=0.9),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=1e-3),
}
_PROBE = 1_000  # parameters of a trial whose optimiser's states are counted


def state_bytes(parameters: int, precision: str, *, optimizer: str) -> dict[str, int]:
    """Return bytes of weights, gradients and optimiser, scaled up from an optimiser of torch.

    Parameters
    ----------
    parameters
        Weights of the network, each counted once.
    precision
        ``float32``, or ``mixed`` with a float32 copy in the optimiser.
    optimizer
        ``sgd``, ``momentum`` or ``adamw``.

    Raises
    ------
    ValueError
        If there is no such precision or optimiser.
    """
    if precision not in _TYPES or optimizer not in _OPTIMIZERS:
        raise ValueError(
            f"precision {precision!r} with optimizer {optimizer!r}; give one of "
            f"{', '.join(_TYPES)} and one of {', '.join(_OPTIMIZERS)}"
        )
    weight = torch.zeros(_PROBE, dtype=_TYPES[precision])
    copy = torch.nn.Parameter(weight.float())
    trial = _OPTIMIZERS[optimizer]([copy])
    copy.grad = torch.ones_like(copy)
    trial.step()
    kept = [each for each in trial.state[copy].values() if torch.is_tensor(each)]
    kept = [each for each in kept if each.shape == copy.shape]
    kept += [copy] if precision == "mixed" else []
    one = weight.element_size()
    a_parameter = {"weights": one, "gradients": one, "optimizer": sum(k.nbytes for k in kept)}
    a_parameter["optimizer"] //= _PROBE
    return {name: parameters * each for name, each in a_parameter.items()}


def activation_bytes(model: nn.Module, x: torch.Tensor) -> int:
    """Return the bytes that the graph of ``model(x)`` keeps, read from its nodes.

    Parameters
    ----------
    model
        Its parameters and buffers do not count.
    x
        A batch.
    """
    own = [*model.parameters(), *model.buffers()]
    states = {each.untyped_storage().data_ptr() for each in own}
    out = model(x)
    saved = {}
    for tensor in _saved(out.grad_fn):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in states:
            saved[storage.data_ptr()] = storage.nbytes()
    return sum(saved.values())


def _saved(root: torch.autograd.graph.Node | None) -> Iterator[torch.Tensor]:
    """Yield what each node of a graph has saved, by its attributes."""
    ahead, met = deque([root]), set[torch.autograd.graph.Node]()
    while ahead:
        step = ahead.popleft()
        if step is None or step in met:
            continue
        met.add(step)
        for attribute in dir(step):
            if attribute.startswith("_saved_"):
                found = getattr(step, attribute)
                several = found if isinstance(found, tuple | list) else [found]
                yield from (each for each in several if torch.is_tensor(each))
        ahead.extend(following for following, _ in step.next_functions)
