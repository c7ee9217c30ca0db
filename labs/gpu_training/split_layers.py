"""Two linear layers with a ReLU between, and what each rank's part of them adds up to.

The oracle of exercise 2.10, by torch's autograd in float64; nothing is sent here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """Layers, an input, and the gradient of the output.

    Parameters
    ----------
    x, gradient
        (batch, width) each.
    up, down
        (width, hidden) and (hidden, width).
    """

    x: Floats
    up: Floats
    down: Floats
    gradient: Floats

    def part(self, rank: int, ranks: int) -> "Layer":
        """Return what a `rank` of so many `ranks` holds: columns of `up`, rows of `down`."""
        columns = torch.as_tensor(self.up).chunk(ranks, dim=1)[rank].numpy()
        rows = torch.as_tensor(self.down).chunk(ranks, dim=0)[rank].numpy()
        return Layer(self.x, columns, rows, self.gradient)

    def output(self) -> Floats:
        """Return the output, (batch, width), or what a part adds to it."""
        return np.asarray(self._run()[1].detach())

    def input_gradient(self) -> Floats:
        """Return the gradient of x, (batch, width), or what a part adds to it."""
        x, output = self._run()
        (gradient,) = torch.autograd.grad(output, x, torch.as_tensor(self.gradient))
        return np.asarray(gradient)

    def _run(self) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.tensor(self.x, requires_grad=True)
        up, down = torch.as_tensor(self.up), torch.as_tensor(self.down)
        return x, torch.relu(x @ up) @ down


def small() -> Layer:
    """Return the layers of the notebook's example: width 2, hidden width 4.

    Examples
    --------
    >>> [small().part(rank, 2).output().tolist() for rank in range(2)]
    [[[1.0, 2.0]], [[6.0, 0.0]]]
    """
    up = np.array([[1.0, 0, 2, 1], [0, 1, -1, 1]])
    down = np.array([[1.0, 0], [0, 1], [1, 1], [2, 0]])
    return Layer(np.array([[1.0, 2]]), up, down, np.array([[1.0, -1]]))


def drawn(
    rng: np.random.Generator, *, batch: int, width: int, hidden: int, is_kinked: bool = False
) -> Layer:
    """Return layers of random numbers.

    Parameters
    ----------
    rng
        Where they come from.
    batch, width, hidden
        Sizes.
    is_kinked
        Whether every other sum before the ReLU is exactly 0.
    """
    shapes = ((batch, width), (width, hidden), (hidden, width), (batch, width))
    x, up, down, gradient = (rng.normal(size=shape) for shape in shapes)
    if is_kinked:
        up[:, ::2] = 0.0
    return Layer(x, up, down, gradient)
