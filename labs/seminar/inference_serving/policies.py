"""Static batching, the policy that continuous batching replaces.

It decides in the form of exercise 7.4. A batch is filled once and runs until its longest request
is done; those that are done earlier keep their places, and nobody else comes in.
"""

from collections.abc import Mapping, Sequence

Rows = Sequence[Mapping[str, int]]


def static_batching(
    waiting: Rows, running: Rows, *, cache_tokens: int, most_running: int
) -> dict[str, list[int]]:
    """Return who leaves, comes in and is refused, when batches are not changed on the way.

    Parameters
    ----------
    waiting, running
        Requests with ``id``, ``prompt``, ``output``; running ones with the tokens ``made``.
    cache_tokens
        Tokens that all running requests may reserve together.
    most_running
        Requests that may run at once.

    Examples
    --------
    >>> done = {"id": 0, "prompt": 4, "output": 2, "made": 2}
    >>> going = {"id": 1, "prompt": 4, "output": 9, "made": 2}
    >>> queue = [{"id": 2, "prompt": 4, "output": 2}]
    >>> static_batching(queue, [done, going], cache_tokens=100, most_running=8)
    {'leave': [], 'admit': [], 'refuse': []}
    """
    if any(request["made"] < request["output"] for request in running):
        return {"leave": [], "admit": [], "refuse": []}
    admit: list[int] = []
    refuse: list[int] = []
    free = cache_tokens
    for request in waiting:
        tokens = request["prompt"] + request["output"]
        if tokens > cache_tokens:
            refuse.append(request["id"])
        elif tokens <= free and len(admit) < most_running:
            admit.append(request["id"])
            free -= tokens
        else:
            break
    return {"leave": [request["id"] for request in running], "admit": admit, "refuse": refuse}
