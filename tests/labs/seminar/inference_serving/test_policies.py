"""Static batching: filled once, changed by nobody."""

from labs.seminar.inference_serving.policies import static_batching

QUEUE = [{"id": i, "prompt": 5, "output": 5} for i in range(4)]


def test_a_batch_is_filled_up_to_both_limits() -> None:
    assert static_batching(QUEUE, [], cache_tokens=30, most_running=9)["admit"] == [0, 1, 2]
    assert static_batching(QUEUE, [], cache_tokens=100, most_running=2)["admit"] == [0, 1]


def test_all_leave_together() -> None:
    running = [{"id": 8, "prompt": 1, "output": 2, "made": 2}]
    going = [{"id": 9, "prompt": 1, "output": 3, "made": 2}]
    held = static_batching(QUEUE, running + going, cache_tokens=100, most_running=9)
    assert held == {"leave": [], "admit": [], "refuse": []}
    going[0]["made"] = 3
    freed = static_batching(QUEUE, running + going, cache_tokens=20, most_running=9)
    assert freed == {"leave": [8, 9], "admit": [0, 1], "refuse": []}


def test_who_never_fits_is_refused() -> None:
    large = {"id": 7, "prompt": 50, "output": 50}
    got = static_batching([large, *QUEUE], [], cache_tokens=20, most_running=9)
    assert got == {"leave": [], "admit": [0, 1], "refuse": [7]}
