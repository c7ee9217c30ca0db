"""What one step of a job sends, computes and holds, in closed form; float32 throughout.

It gives the same `Counted` as torch on fake ranks, to the byte: the tests compare. It also holds
where counting is slow or torch's own tools are wrong: `torch.distributed._tools.MemTracker` and
`torch.utils.flop_counter.FlopCounterMode` take tensors that are split over ranks for whole ones.
No time is modelled here.
"""

import math
from collections.abc import Sequence

from labs.gpu_training.counting.jobs import Counted, Job
from labs.shared.transformer import CHARACTERS, Size

Shape = tuple[int, ...]
ELEMENT_BYTES = 4
CODE_BYTES = 8  # int64


def groups(size: Size, *, tensor: int = 1) -> list[list[Shape]]:
    """Return the shapes of the parameters that a rank works on, those outside of blocks first.

    Parameters
    ----------
    size
        Of the transformer.
    tensor
        Ranks that share each product of a block.

    Examples
    --------
    >>> root, block = groups(Size(layers=1, width=8, heads=2, context=4), tensor=2)
    >>> root
    [(65, 8), (4, 8), (8,), (65, 8)]
    >>> block
    [(8,), (4, 8), (4, 8), (4, 8), (8, 4), (8,), (16, 8), (8, 16)]
    """
    width, share = size.width, size.width // tensor
    root = [(CHARACTERS, width), (size.context, width), (width,), (CHARACTERS, width)]
    attention = [(share, width)] * 3 + [(width, share)]
    block = [(width,), *attention, (width,), (4 * share, width), (width, 4 * share)]
    return [root, *([block] * size.layers)]


def elements(shapes: Sequence[Shape], *, ranks: int = 1) -> int:
    """Return the elements of tensors whose rows are padded to a multiple of the ranks.

    Examples
    --------
    >>> elements([(5, 2), (4,)]), elements([(5, 2), (4,)], ranks=4)
    (14, 20)
    """
    return sum(-(-shape[0] // ranks) * ranks * math.prod(shape[1:]) for shape in shapes)


def counted(job: Job) -> Counted:
    """Return what rank 0 of a job sends, computes and holds in a step."""
    held = held_bytes(job)
    return Counted(
        collectives=collectives(job),
        flops=flops(job),
        parameter_bytes=held,
        gradient_bytes=held,
        optimizer_bytes=2 * held,  # two moments of AdamW
        activation_bytes=activation_bytes(job),
    )


def collectives(job: Job) -> dict[str, tuple[int, int]]:
    """Return calls and payload [B] of a step by collective.

    FSDP2 gathers the weights of a block before its forward pass, frees them after it and gathers
    them again for the backward pass; what stands outside of blocks stays in between. Each product
    that is split makes tensor parallelism add up activations: two in the forward pass of a block,
    four in its backward pass, where the gradients of query, key and value are added apart.
    """
    root, *blocks = groups(job.size, tensor=job.tensor)
    found: dict[str, tuple[int, int]] = {}
    if job.tensor > 1:
        calls = 6 * job.size.layers
        found["all_reduce"] = (calls, calls * _tokens(job) * job.size.width * ELEMENT_BYTES)
    if job.strategy == "ddp":
        whole = sum(elements(each) for each in (root, *blocks))
        return {"all_reduce": (1 + len(blocks), whole * ELEMENT_BYTES)}
    if job.strategy == "tensor":
        return found
    first, rest = (
        sum(elements(each, ranks=job.replicas) for each in part) * ELEMENT_BYTES
        for part in ([root], blocks)
    )
    found["all_gather"] = (1 + 2 * len(blocks), first + 2 * rest)
    found["reduce_scatter"] = (1 + len(blocks), first + rest)
    return found


def held_bytes(job: Job) -> int:
    """Return the bytes of one copy of the parameters that rank 0 holds between steps."""
    shares = job.replicas if job.strategy.startswith("fsdp2") else 1
    parts = groups(job.size, tensor=job.tensor)
    return sum(elements(each, ranks=shares) for each in parts) * ELEMENT_BYTES // shares


def activation_bytes(job: Job) -> int:
    """Return what the forward pass keeps for the backward pass on a rank [B], weights left out.

    A block keeps, in widths of a token: both inputs and both outputs of the normalisations, query,
    key, value, the mixture, and four each before and after GELU: 4 + 12, of which tensor
    parallelism splits the 12. Beside them mean and scale of each normalisation, and one number a
    head. The rest are the last normalisation, the logits, codes in and out, and the places.
    """
    size, split = job.size, job.tensor
    block = (4 + 12 / split) * size.width + 2 * 2 + size.heads / split
    rest = 2 * size.width + 2 + CHARACTERS
    a_token = (size.layers * block + rest) * ELEMENT_BYTES + CODE_BYTES
    scale_of_loss = ELEMENT_BYTES
    return round(_tokens(job) * a_token) + size.context * CODE_BYTES + scale_of_loss


def flops(job: Job) -> int:
    """Return the operations of matrix products on a rank, forward and backward.

    2 a weight and token in the forward pass and 4 in the backward pass, for all weights that
    multiply; and attention: 2 products of scores in the forward, 5 in the backward pass.
    """
    size = job.size
    multiplied = size.layers * 12 * size.width**2 // job.tensor + CHARACTERS * size.width
    scores = 2 * size.context * size.width // job.tensor  # of one token and one product
    return 6 * multiplied * _tokens(job) + 7 * size.layers * scores * _tokens(job)


def _tokens(job: Job) -> int:
    return job.batch * job.size.context
