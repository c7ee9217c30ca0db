"""What the transformer needs in closed form: parameters, activations, and shares of ranks.

The forms hold for `labs.shared.transformer` without dropout, with an attention that keeps no
matrix of tokens times tokens (torch's fused ones). They are checked against counts in float32.
In mixed precision they are a model: features take 2 bytes, sums and logits stay float32. What
flows back during the backward pass, and what an allocator wastes, is not in them.
"""

from collections.abc import Mapping

from course_utils.units import BYTES_PER_GB
from labs.shared.transformer import CHARACTERS, Size

FEATURE_BYTES = {"float32": 4, "mixed": 2}
NUMBER_BYTES, CODE_BYTES = 4, 8  # of a float32, an int64
STAGES = {
    0: frozenset[str](),
    1: frozenset({"optimizer"}),
    2: frozenset({"optimizer", "gradients"}),
    3: frozenset({"optimizer", "gradients", "weights"}),
}


def parameters_of(size: Size) -> int:
    """Return the parameters of a transformer.

    A block has 4 square matrices in its attention, 8 in its two linear layers, and 2 norms.

    Examples
    --------
    >>> from labs.shared.transformer import SIZES
    >>> parameters_of(SIZES["tiny"])
    111040
    """
    d = size.width
    return d * (2 * CHARACTERS + size.context) + size.layers * (12 * d * d + 2 * d) + d


def activation_bytes_of(size: Size, *, batch: int, precision: str = "float32") -> int:
    """Return what the forward pass of a transformer keeps for the backward pass, without the loss.

    Of each token a block keeps 16 features a width: what goes into both norms and what comes out
    (4), queries, keys, values and the attention's result (4), and 4 widths each before and after
    GELU (8). Beside them mean and deviation of both norms, and one sum a head.

    Parameters
    ----------
    size
        The whole context is used.
    batch
        Sequences.
    precision
        ``float32``, or ``mixed`` as this module models it.

    Raises
    ------
    ValueError
        If there is no such precision.

    Examples
    --------
    >>> from labs.shared.transformer import SIZES
    >>> activation_bytes_of(SIZES["tiny"], batch=16)
    8995328
    """
    if precision not in FEATURE_BYTES:
        raise ValueError(f"precision is {precision!r}; give one of {', '.join(FEATURE_BYTES)}")
    features = 16 * size.width * size.layers + 2 * size.width
    sums = (size.heads + 4) * size.layers + 2
    token_bytes = features * FEATURE_BYTES[precision] + sums * NUMBER_BYTES + CODE_BYTES
    return batch * size.context * token_bytes + size.context * CODE_BYTES


def loss_bytes_of(size: Size, *, batch: int) -> int:
    """Return what the loss keeps: the logarithm of each code's probability, float32, each token."""
    return batch * size.context * CHARACTERS * NUMBER_BYTES


def shared_out(states: Mapping[str, int], *, ranks: int, stage: int) -> dict[str, int]:
    """Return what one of several ranks holds of weights, gradients and optimiser states.

    Parameters
    ----------
    states
        Bytes of ``weights``, ``gradients`` and ``optimizer`` in one process.
    ranks
        That share, >= 1; a share that is no whole number is rounded up.
    stage
        Of ZeRO: 0 shares nothing, 1 the optimiser, 2 the gradients as well, 3 also the weights
        (Rajbhandari and others, 2020).

    Raises
    ------
    ValueError
        If there is no such stage, or no rank.

    Examples
    --------
    >>> states = {"weights": 100, "gradients": 100, "optimizer": 600}
    >>> shared_out(states, ranks=8, stage=2)
    {'weights': 100, 'gradients': 13, 'optimizer': 75}
    """
    if stage not in STAGES or ranks < 1:
        raise ValueError(f"stage is {stage}, ranks {ranks}; give a stage from 0 to 3, ranks >= 1")
    return {
        name: -(-size_bytes // ranks) if name in STAGES[stage] else size_bytes
        for name, size_bytes in states.items()
    }


def most_sequences(size: Size, states: Mapping[str, int], *, device_gb: float) -> int:
    """Return how many sequences fit beside the states on a device, in float32; 0 if none does.

    Parameters
    ----------
    size
        Of the transformer.
    states
        Bytes of weights, gradients and optimiser on that device.
    device_gb
        Its memory [GB].
    """
    free_bytes = device_gb * BYTES_PER_GB - sum(states.values())
    one = activation_bytes_of(size, batch=1) + loss_bytes_of(size, batch=1)
    return max(0, int(free_bytes // one))
