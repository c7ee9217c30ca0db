"""The loop of a server, and the log it leaves; the same loop for real tokens and simulated ones.

In each step finished requests leave, waiting ones come in and are read (prefill), and every running
one gets a token (decode). Who comes in is a policy's decision, how long work takes a worker's: a
real one reports the time that passed, a simulated one the time it would take. While nobody is
there the clock jumps to the next arrival, so an idle hour costs nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from labs.seminar.inference_serving.loads import Request

Policy = Callable[..., Mapping[str, Sequence[int]]]
Keep = Callable[..., Sequence[int]]
Row = dict[str, Any]


class Worker(Protocol):
    """What does the work of a step and says how long it took [ms]."""

    def read(self, request: Request) -> float:
        """Read a prompt and write the first token."""

    def expected_read_ms(self, request: Request) -> float:
        """Say in advance how long reading takes."""

    def write(self, ids: Sequence[int]) -> float:
        """Write one more token of each."""

    def leave(self, number: int) -> None:
        """Forget a request."""


@dataclass(frozen=True)
class Capacity:
    """What a server may hold at a time.

    Parameters
    ----------
    cache_tokens
        Tokens of all running requests together, reserved when they come in.
    most_running
        Requests in a batch.
    """

    cache_tokens: int
    most_running: int


@dataclass
class Served:
    """What became of one request: the times of its tokens [ms], or that it was turned away."""

    request: Request
    token_ms: list[float] = field(default_factory=list)
    turned_away_ms: float | None = None


@dataclass
class Log:
    """All requests of a run with what became of them, in the order of arrival.

    Parameters
    ----------
    served
        One entry a request.
    end_ms
        When the last token was written.
    steps
        Pairs of when a decode step ended and how many requests it had.
    """

    served: list[Served]
    end_ms: float = 0.0
    steps: list[tuple[float, int]] = field(default_factory=list)

    @property
    def answered(self) -> list[Served]:
        """Those that were not turned away."""
        return [each for each in self.served if each.turned_away_ms is None]

    @property
    def tokens(self) -> int:
        """Tokens written."""
        return sum(len(each.token_ms) for each in self.served)


@dataclass
class _State:
    now_ms: float
    waiting: list[Request]
    running: dict[int, Request]


def serve(
    requests: Iterable[Request],
    policy: Policy,
    *,
    worker: Worker,
    capacity: Capacity,
    keep: Keep | None = None,
    objective_ms: float = float("inf"),
) -> Log:
    """Serve all requests and return the log.

    Parameters
    ----------
    requests
        In the order of arrival, numbered from 0.
    policy
        ``policy(waiting, running, cache_tokens=..., most_running=...)`` as in exercise 7.4.
    worker
        Does the work.
    capacity
        What the policy is told.
    keep
        ``keep(waiting, now_ms=..., objective_ms=...)`` as in exercise 7.7; nobody is shed without.
    objective_ms
        Longest time to the first token that `keep` is told.

    Raises
    ------
    RuntimeError
        If requests wait, nobody runs, and the policy lets nobody in.
    """
    coming = list(requests)
    log = Log([Served(request) for request in coming])
    coming.reverse()
    state = _State(0.0, [], {})
    while coming or state.waiting or state.running:
        if not state.waiting and not state.running:
            state.now_ms = max(state.now_ms, coming[-1].arrival_ms)
        while coming and coming[-1].arrival_ms <= state.now_ms:
            state.waiting.append(coming.pop())
        if keep is not None and state.waiting:
            _shed(
                state,
                log,
                worker=worker,
                kept=lambda rows: keep(rows, **_told(state, objective_ms)),
            )
        _step(state, log, worker=worker, decide=lambda *rows: policy(*rows, **vars(capacity)))
    log.end_ms = max((each.token_ms[-1] for each in log.answered), default=0.0)
    return log


def _told(state: _State, objective_ms: float) -> dict[str, float]:
    return {"now_ms": state.now_ms, "objective_ms": objective_ms}


def _shed(
    state: _State, log: Log, *, worker: Worker, kept: Callable[[list[Row]], Sequence[int]]
) -> None:
    rows = [
        {"id": r.id, "arrival_ms": r.arrival_ms, "prefill_ms": worker.expected_read_ms(r)}
        for r in state.waiting
    ]
    _turn_away(state, log, ids={r.id for r in state.waiting} - {int(i) for i in kept(rows)})


def _turn_away(state: _State, log: Log, *, ids: set[int]) -> None:
    for number in ids:
        log.served[number].turned_away_ms = state.now_ms
    state.waiting = [request for request in state.waiting if request.id not in ids]


def _step(state: _State, log: Log, *, worker: Worker, decide: Policy) -> None:
    waiting = [{"id": r.id, "prompt": r.prompt, "output": r.output} for r in state.waiting]
    running = [
        {"id": r.id, "prompt": r.prompt, "output": r.output, "made": len(log.served[i].token_ms)}
        for i, r in state.running.items()
    ]
    decision = decide(waiting, running)
    for number in decision["leave"]:
        worker.leave(int(number))
        del state.running[int(number)]
    _turn_away(state, log, ids={int(number) for number in decision["refuse"]})
    admitted = {int(number) for number in decision["admit"]}
    if not any(map(len, decision.values())) and waiting and not running:
        raise RuntimeError(f"{len(waiting)} requests wait and the policy lets nobody in")
    entering = [request for request in state.waiting if request.id in admitted]
    state.waiting = [request for request in state.waiting if request.id not in admitted]
    for request in entering:
        state.now_ms += worker.read(request)
        state.running[request.id] = request
        log.served[request.id].token_ms.append(state.now_ms)
    ids = [i for i, r in state.running.items() if len(log.served[i].token_ms) < r.output]
    if ids:
        state.now_ms += worker.write(ids)
        log.steps.append((state.now_ms, len(ids)))
    for number in ids:
        log.served[number].token_ms.append(state.now_ms)
