"""A training job for many ranks as plain data, and what one step of it sends, computes and holds.

Nothing is counted here: `labs.gpu_training.counting.formulas` works it out, `fake_ranks` and
`real_ranks` let torch do the step and look on.
"""

from dataclasses import asdict, dataclass
from typing import Any

from labs.shared.transformer import Size

STRATEGIES = ("ddp", "fsdp2", "tensor", "fsdp2_tensor")


@dataclass(frozen=True)
class Job:
    """What is counted.

    Parameters
    ----------
    strategy
        ``ddp``: each rank holds all, gradients are averaged. ``fsdp2``: each holds a share of every
        tensor. ``tensor``: the ranks share each product. ``fsdp2_tensor``: groups of `tensor` ranks
        share products, and the rest is as in ``fsdp2``.
    size
        Of the transformer.
    ranks
        Of the whole job.
    tensor
        Ranks that share each product; 1 without tensor parallelism, `ranks` with ``tensor``.
    batch
        Sequences of each rank, or of each group that shares products.

    Raises
    ------
    ValueError
        If the strategy is unknown or the ranks cannot be grouped so.
    """

    strategy: str
    size: Size
    ranks: int
    tensor: int = 1
    batch: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be spread so."""
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy is {self.strategy!r}; give one of {', '.join(STRATEGIES)}")
        wanted = {"tensor": self.ranks, "fsdp2_tensor": self.tensor}.get(self.strategy, 1)
        if self.tensor != wanted:
            raise ValueError(f"tensor is {self.tensor}; with {self.strategy} give {wanted}")
        if self.ranks % self.tensor or self.size.heads % self.tensor:
            raise ValueError(
                f"tensor is {self.tensor}; give a number that divides the {self.ranks} ranks and "
                f"the {self.size.heads} heads"
            )

    @property
    def replicas(self) -> int:
        """Ranks, or groups of ranks, that see different sequences."""
        return self.ranks // self.tensor


@dataclass(frozen=True)
class Counted:
    """One step of a job, seen by its rank 0, which holds no less than any other.

    Parameters
    ----------
    collectives
        By name the number of calls and the sum of their payloads [B]; see
        `labs.gpu_training.counting.collectives`.
    flops
        Of matrix products and attention, forward and backward, on this rank.
    parameter_bytes, gradient_bytes, optimizer_bytes
        Held between steps; the gradients until they are used [B].
    activation_bytes
        Kept by the forward pass for the backward pass, weights left out [B].
    """

    collectives: dict[str, tuple[int, int]]
    flops: int
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int

    def data(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return asdict(self)


def counted_from(data: dict[str, Any]) -> Counted:
    """Return what `Counted.data` was taken from, also after a way through JSON.

    Examples
    --------
    >>> counted = Counted({"all_reduce": (3, 96)}, 8, 4, 4, 8, 2)
    >>> counted_from(counted.data()) == counted
    True
    """
    collectives = {name: (calls, size) for name, (calls, size) in data["collectives"].items()}
    return Counted(**(data | {"collectives": collectives}))


def job_from(data: dict[str, Any]) -> Job:
    """Return a job from its fields.

    Examples
    --------
    >>> job = Job("ddp", Size(layers=1, width=8, heads=2, context=4), ranks=8)
    >>> job_from(asdict(job)) == job
    True
    """
    return Job(**(data | {"size": Size(**data["size"])}))
