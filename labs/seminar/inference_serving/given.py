"""The functions that stand in for yours until yours are right.

They ask a library, or walk the other way round, so there is nothing to copy; while your own
function is checked, this module and those libraries are out of reach.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, takewhile
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from course_utils import stats

Floats = npt.NDArray[np.floating[Any]]
Rows = Sequence[Mapping[str, Any]]


def attend(
    query: Floats, key: Floats, value: Floats, *, keys: Floats, values: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what one new token takes from all, and the longer cache, by torch's own attention.

    Parameters
    ----------
    query, key, value
        (heads, head width), of the new token.
    keys, values
        (heads, tokens, head width), of those before it.
    """
    longer = [
        torch.cat([torch.as_tensor(old), torch.as_tensor(new)[:, None]], dim=1)
        for old, new in ((keys, key), (values, value))
    ]
    q = torch.as_tensor(query)[None, :, None]
    mixed = torch.nn.functional.scaled_dot_product_attention(q, longer[0][None], longer[1][None])
    return mixed[0, :, 0].numpy(), longer[0].numpy(), longer[1].numpy()


def cache_bytes(model: Mapping[str, Any], *, tokens: int, batch: int, number_bytes: float) -> float:
    """Return the bytes of keys and values, by counting the elements of a tensor without memory.

    Parameters
    ----------
    model
        With ``layers``, ``kv_heads`` and ``head_width``.
    tokens, batch
        Of each sequence; sequences.
    number_bytes
        Of one number.
    """
    shape = (2, model["layers"], batch, model["kv_heads"], tokens, model["head_width"])
    return number_bytes * torch.empty(shape, device="meta", dtype=torch.int8).numel()


def sequences_that_fit(
    memory_bytes: float, token_bytes: float, *, lengths: Sequence[int], block: int
) -> int:
    """Return how many sequences from the front fit, by bisection of the running sum.

    Parameters
    ----------
    memory_bytes, token_bytes
        For the cache; of one token in it.
    lengths
        Tokens of each sequence.
    block
        Tokens that are reserved together.
    """
    blocks = np.ceil(np.asarray(lengths) / block).astype(int).tolist()
    return bisect_right(list(accumulate(n * block * token_bytes for n in blocks)), memory_bytes)


def step_cost(
    model: Mapping[str, Any], *, batch: int, new: int, cached: int, number_bytes: float
) -> tuple[float, float]:
    """Return operations and bytes of a step, counting the pairs that attend one by one.

    Parameters
    ----------
    model
        With ``parameters``, ``layers`` and ``width``.
    batch, new, cached
        Sequences; new tokens of each; tokens of each in the cache.
    number_bytes
        Of one number.
    """
    pairs = sum(range(cached + 1, cached + new + 1))
    linear = 2 * model["parameters"] * new
    ops = batch * (linear + 4 * model["layers"] * model["width"] * pairs)
    moved = 2 * model["layers"] * model["width"] * batch * (cached + new)
    return ops, number_bytes * (model["parameters"] + moved)


def schedule(
    waiting: Rows, running: Rows, *, cache_tokens: int, most_running: int
) -> dict[str, list[int]]:
    """Return who leaves, comes in and is refused, from running sums over the queue.

    Parameters
    ----------
    waiting, running
        Requests with ``id``, ``prompt``, ``output``; running ones with the tokens ``made``.
    cache_tokens, most_running
        Tokens and requests that there is room for.
    """
    is_done = {each["id"]: each["output"] <= each["made"] for each in running}
    held = sum(each["prompt"] + each["output"] for each in running if not is_done[each["id"]])
    needs = {each["id"]: each["prompt"] + each["output"] for each in waiting}
    queue = [number for number, tokens in needs.items() if tokens <= cache_tokens]
    sums = accumulate((needs[number] for number in queue), initial=held)
    fitting = sum(1 for _ in takewhile(lambda total: total <= cache_tokens, list(sums)[1:]))
    places = max(0, most_running - list(is_done.values()).count(False))
    return {
        "leave": [number for number, done in is_done.items() if done],
        "admit": queue[: min(fitting, places)],
        "refuse": [number for number in needs if number not in set(queue)],
    }


def request_times(arrival_ms: float, token_ms: Sequence[float]) -> tuple[float, list[float]]:
    """Return the time to the first token and those between tokens, by `numpy.diff`.

    Parameters
    ----------
    arrival_ms
        When the request came.
    token_ms
        When its tokens were written, at least one.
    """
    first_ms, *gaps_ms = np.diff([arrival_ms, *token_ms]).tolist()
    return first_ms, gaps_ms


def percentiles(samples: Sequence[float], percents: Sequence[int]) -> dict[int, float]:
    """Return the supported percentiles, by NumPy's inverted distribution.

    Parameters
    ----------
    samples
        At least one.
    percents
        Whole numbers from 50 to 99.
    """
    supported = stats.supported_percentiles(len(samples), percents)
    found = {}
    for percent in map(int, supported):
        found[percent] = float(np.percentile(samples, percent, method="inverted_cdf"))
    return found


def quantize_tokens(values: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Return codes and scales a head and token, by torch's own quantisation.

    Parameters
    ----------
    values
        (heads, tokens, head width), float32.
    """
    x = torch.as_tensor(np.asarray(values, dtype=np.float32))
    scales = x.abs().amax(dim=2) / 127
    scales[scales == 0] = 1.0
    rounded = torch.stack(
        [
            torch.fake_quantize_per_channel_affine(
                head, scale, torch.zeros(len(scale), dtype=torch.int32), 0, -127, 127
            )
            for head, scale in zip(x, scales, strict=True)
        ]
    )
    codes = torch.round(rounded / scales[:, :, None]).to(torch.int8)
    return codes.numpy(), scales.numpy()


def int8_token_bytes(model: Mapping[str, Any]) -> int:
    """Return the bytes of one token, by building them.

    Parameters
    ----------
    model
        With ``layers``, ``kv_heads`` and ``head_width``.
    """
    shape = (2, model["layers"], model["kv_heads"])
    codes = torch.empty((*shape, model["head_width"]), dtype=torch.int8)
    return int(codes.nbytes + torch.empty(shape, dtype=torch.float32).nbytes)


def score_error_bound(query: Floats, scales: Floats) -> Floats:
    """Return how far a score may be off, (heads, tokens), from the worst signs of the errors.

    Parameters
    ----------
    query
        (heads, head width).
    scales
        (heads, tokens).
    """
    worst = np.sign(query)[:, None, :] * np.asarray(scales)[:, :, None] / 2
    bound: Floats = np.einsum("hd,htd->ht", query, worst) / query.shape[1] ** 0.5
    return bound


def keep(waiting: Rows, *, now_ms: float, objective_ms: float) -> list[int]:
    """Return who can still get a first token in time, taken from the end of a stack.

    Parameters
    ----------
    waiting
        Requests with ``id``, ``arrival_ms`` and ``prefill_ms``, first come first.
    now_ms, objective_ms
        The time; the longest allowed to a first token.
    """
    queue, free_ms, kept = list(reversed(waiting)), now_ms, []
    while queue:
        first = queue.pop()
        done_ms = free_ms + first["prefill_ms"]
        in_time = done_ms <= first["arrival_ms"] + objective_ms
        free_ms = done_ms if in_time else free_ms
        kept += [first["id"]] * in_time
    return kept
