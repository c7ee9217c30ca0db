"""The open checks of exercises 3.7 and 3.13: three rows, four clients and two updates, by hand.

The check plays everybody but the client under test: it deals the seeds, expands them, adds up and
draws the noise, so what a function asks for is observed here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check, raises
from labs.engine.student import Student, callback
from labs.federated_learning.pads import Pads

Words = NDArray[np.uint32]
Floats = NDArray[np.floating]
# A division of float32 numbers rounds once, a product with the reciprocal twice, by 2**-24 each.
RECONSTRUCT_RELATIVE = 2.0**-22
# Sums of float64 are right to 1e-13 here. More room is left for a small number added to a length
# against a division by zero, such as the 1e-6 in torch's own clipping; lengths are above 2.
AVERAGE_RELATIVE = 1e-6
# A byte of 256 values, each expected equally often: chance exceeds this once in 10**9 times.
CHI_SQUARE_LIMIT = 414.5


def mask_by_hand(words: Words, rank: int, *, seeds: Mapping[int, str], pads: Pads) -> Words:
    """Return what a client that follows the exercise sends, in Python's own whole numbers."""
    total = words.astype(object)
    for other, seed in seeds.items():
        pad = pads.words(seed, len(words)).astype(object)
        total = total + (pad if other > rank else -pad)
    return np.asarray(total % 2**32, np.uint32)


def judge_input(got: Any, want: Floats, *, what: str) -> None:
    """Assert that an input was found again."""
    found = np.asarray(got, np.float64)
    assert found.shape == want.shape, f"{what}: return {want.shape}; yours is {found.shape}"
    off = np.abs(found - want)
    bad = np.flatnonzero(~(off <= RECONSTRUCT_RELATIVE * np.abs(want)))
    assert not len(bad), (
        f"{what}: element {bad[0]} of the input is {want[bad[0]]:.6g}; yours {found[bad[0]]:.6g}"
    )


def judge_form(got: Any, shape: tuple[int, ...], *, what: str) -> None:
    """Assert that something is an array of words."""
    assert isinstance(got, np.ndarray), f"{what}: return an array, not {got!r:.40}"
    form = str(got.dtype), got.shape
    assert form == ("uint32", shape), (
        f"{what}: uint32 of shape {shape} is asked for; yours is {form[0]} of {form[1]}"
    )


def judge_words(got: Any, want: Words, *, what: str) -> None:
    """Assert that words agree, all of them."""
    judge_form(got, want.shape, what=what)
    bad = np.flatnonzero(got != want)
    assert not len(bad), f"{what}: word {bad[0]} is {want[bad[0]]}; yours {got[bad[0]]}"


def judge_average(got: Any, want: Floats, *, scale: Floats, what: str) -> None:
    """Assert an average; `scale` is the sum of the magnitudes behind each number."""
    found = np.asarray(got, np.float64)
    assert found.shape == want.shape, f"{what}: return {want.shape}; yours is {found.shape}"
    bad = np.flatnonzero(~(np.abs(found - want) <= AVERAGE_RELATIVE * scale))
    assert not len(bad), f"{what}: number {bad[0]} is {want[bad[0]]:.6g}; yours {found[bad[0]]:.6g}"


def words_of(x: Floats, scale: float) -> Words:
    """Return numbers in steps of 1 / scale, in Python's own whole numbers."""
    return np.array([round(float(each) * scale) % 2**32 for each in x], np.uint32)


def message_of(
    student: Student, x: Floats, *, rank: int, scale: float, seeds: Mapping[int, str], pads: Pads
) -> Any:
    """Return what the student's client sends."""
    return student.masked(x, rank, scale=scale, seeds=dict(seeds), expand=callback(pads))


def judge_expansions(pads: Pads, *, seeds: Mapping[int, str], size: int) -> None:
    """Assert that each seed of a client was expanded once, to the size of its values."""
    for other, seed in seeds.items():
        sizes = [asked for name, asked in pads.asked if name == seed]
        assert sizes == [size], (
            f"the seed shared with client {other} is expanded once, to {size} words; yours asked "
            f"for {sizes}"
        )


def drop_out(
    student: Student,
    rng: np.random.Generator,
    *,
    clients: Sequence[int],
    gone: Sequence[int],
    size: int,
) -> tuple[Floats, Any]:
    """Return the survivors' sum, and the student's after masking and unmasking."""
    pads, scale = Pads(rng), 256.0
    seeds = pads.deal(clients)
    x = {each: rng.integers(-9999, 10000, size) / scale for each in clients}
    alive = [each for each in clients if each not in gone]
    want = {
        each: mask_by_hand(words_of(x[each], scale), each, seeds=seeds[each], pads=pads)
        for each in alive
    }
    first = alive[0]
    own = message_of(student, x[first], rank=first, scale=scale, seeds=seeds[first], pads=pads)
    judge_words(own, want[first], what=f"message of client {first}")
    total = np.add.reduce(list(want.values()), dtype=np.uint32)
    revealed = {each: {other: seeds[each][other] for other in alive} for each in gone}
    got = student.unmasked(total, revealed, scale=scale, expand=callback(pads))
    return np.add.reduce([x[each] for each in alive]), got


def judge_sum(got: Any, want: Floats, *, what: str) -> None:
    """Assert that a sum is exact: whole numbers over a power of two have nothing to round."""
    found = np.asarray(got)
    assert found.shape == want.shape, f"{what}: return {want.shape}; yours is {found.shape}"
    bad = np.flatnonzero(~(found == want))
    assert not len(bad), f"{what}: number {bad[0]} is {want[bad[0]]:.9g}; yours {found[bad[0]]:.9g}"


def chi_square(messages: Sequence[Words]) -> float:
    """Return how far the bytes of some messages are from equally frequent; 255 on average."""
    counts = np.bincount(np.concatenate(messages).astype("<u4").view(np.uint8), minlength=256)
    expected = counts.sum() / 256
    return float(((counts - expected) ** 2 / expected).sum())


def look_at_messages(
    student: Student, rng: np.random.Generator, *, x: Floats, rounds: int
) -> tuple[float, bool]:
    """Return what the messages of a client show that sends the same every round.

    Returns
    -------
    statistic
        See `chi_square`.
    is_masked
        Whether each is the numbers with the shared words added or subtracted, and nothing else.
    """
    messages, is_masked, whole = [], True, words_of(x, 1.0)
    for _ in range(rounds):
        pads = Pads(rng)
        seeds = pads.deal([1, 4])
        got = message_of(student, x, rank=4, scale=1.0, seeds=seeds[4], pads=pads)
        judge_form(got, x.shape, what="a message")
        messages.append(got)
        pad = pads.words(seeds[4][1], len(x))
        is_masked &= any(np.array_equal(got, each) for each in (whole + pad, whole - pad))
    return chi_square(messages), is_masked


def judge_chance(statistic: float, *, is_masked: bool = True) -> None:
    """Assert that nothing shows through, of a message that holds something."""
    assert statistic <= CHI_SQUARE_LIMIT, (
        f"the bytes of the messages are not equally frequent: chi-square is {statistic:.0f}, "
        f"chance stays below {CHI_SQUARE_LIMIT:.0f}; something shows through"
    )
    assert is_masked, "a message is more than chance: without the words of the seed it is x"


def private_average(
    student: Student, updates: Floats, *, clip: float, noise: tuple[float, Floats], expected: float
) -> Any:
    """Return the student's average with noise that the check has drawn; it is asked for once."""
    multiplier, drawn = noise

    def normal(size: Any) -> Floats:
        assert size == len(drawn), f"normal(size) was asked for {size!r} numbers, not {len(drawn)}"
        return drawn.copy()

    served = callback(normal)
    got = student.clip_and_noise(
        updates, clip, noise_multiplier=multiplier, expected_clients=expected, normal=served
    )
    assert len(served.calls) == 1, (
        f"normal is called once, for the sum; yours calls it {len(served.calls)} times"
    )
    return got


def expected_average(
    updates: Floats, clip: float, *, noise: tuple[float, Floats], expected: float
) -> tuple[Floats, Floats]:
    """Return the average by the exercise's sentences, and the magnitudes behind it."""
    multiplier, drawn = noise
    kept = [each * min(1.0, clip / length) if (length := np.sqrt(each @ each)) else each
            for each in updates]  # fmt: skip
    rows = np.array([*kept, multiplier * clip * drawn])
    return rows.sum(0) / expected, np.abs(rows).sum(0) / expected


def judge_private(
    student: Student, updates: Floats, *, clip: float, noise: tuple[float, Floats], expected: float
) -> None:
    """Assert the student's average of some updates."""
    got = private_average(student, updates, clip=clip, noise=noise, expected=expected)
    want, scale = expected_average(updates, clip, noise=noise, expected=expected)
    judge_average(got, want, scale=scale, what=f"{len(updates)} updates, clip {clip:g}")


def refuses(call: Callable[[], Any]) -> None:
    """Assert that a call raises `ValueError`."""
    with raises("ValueError"):
        call()


@check(
    "3.7",
    sentence="`reconstruct` returns the row with the largest absolute bias gradient, divided by "
    "that gradient.",
)
def three_units(student: Student, rng: np.random.Generator) -> None:
    """Hide four numbers behind three units, one of them silent, with a little noise on the rows."""
    hidden = rng.integers(1, 9, 4).astype(np.float32)
    bias = np.array([0.0, 0.5, -2.0], np.float32)
    weight = np.outer(bias, hidden) + np.array([[0.0], [0.25], [0.0]], np.float32)
    got = student.reconstruct(weight, bias)
    rows = [
        {"row": str(row.tolist()), "bias gradient": float(b)}
        for row, b in zip(weight, bias, strict=True)
    ]
    evidence.table([*rows, {"row": f"yours: {np.asarray(got).tolist()}", "bias gradient": ""}])
    judge_input(got, hidden, what="three units")


@check("3.7", sentence="A bias gradient that is zero throughout raises `ValueError`.", weight=0.5)
def silent_units(student: Student, rng: np.random.Generator) -> None:
    """Ask for an input that no unit saw."""
    refuses(lambda: student.reconstruct(np.zeros((2, 3), np.float32), np.zeros(2, np.float32)))
    hidden, bias = np.arange(1, 4, dtype=np.float32), np.full(2, 0.5, np.float32)
    judge_input(student.reconstruct(np.outer(bias, hidden), bias), hidden, what="two equal units")


@check(
    "3.7",
    sentence="A message holds x times scale, rounded to the nearest whole number, modulo 2^32, as "
    "uint32, and masks.",
)
def four_numbers(student: Student, rng: np.random.Generator) -> None:
    """Take a scale of 256 and no other client: 1.5 is 384, -1.5 is 2^32 - 384."""
    x = np.array([1.5, -1.5, 0.0025, -0.0025])
    got = student.masked(x, 0, scale=256.0, seeds={}, expand=callback(Pads(rng)))
    want = np.array([384, 2**32 - 384, 1, 2**32 - 1], np.uint32)
    evidence.table(
        [
            {"x": float(each), "word": int(word), "yours": str(mine)}
            for each, word, mine in zip(x, want, np.asarray(got).tolist(), strict=False)
        ]
    )
    judge_words(got, want, what="scale 256")


@check(
    "3.7",
    sentence="`masked` raises `ValueError` where the number of clients times the largest absolute "
    "whole number is above 2^31 - 1.",
)
def too_large_to_add(student: Student, rng: np.random.Generator) -> None:
    """Refuse -20,000 at a scale of 2^16 from two clients, and take it from one."""
    x, pads = np.array([1.0, -20000.0]), Pads(rng)
    alone = message_of(student, x, rank=0, scale=65536.0, seeds={}, pads=pads)
    judge_words(alone, words_of(x, 65536.0), what="a single client")
    seeds = pads.deal([0, 1])[0]
    refuses(lambda: message_of(student, x, rank=0, scale=65536.0, seeds=seeds, pads=pads))


@check(
    "3.7",
    sentence="A client adds the words of each seed that it shares with a higher number and "
    "subtracts those it shares with a lower one, modulo 2^32.",
    weight=1.5,
)
def client_two_of_four(student: Student, rng: np.random.Generator) -> None:
    """Mask three numbers of client 2, which has two lower neighbours and one higher."""
    pads, x = Pads(rng), np.array([0.0, 1.0, -1.0])
    seeds = pads.deal([0, 1, 2, 3])[2]
    got = message_of(student, x, rank=2, scale=1.0, seeds=seeds, pads=pads)
    rows = [{"what": "x at scale 1", "words": str(words_of(x, 1.0).tolist())}]
    rows += [
        {"what": f"{'+' if other > 2 else '-'} shared with {other}",
         "words": str(pads.words(seed, 3).tolist())}
        for other, seed in seeds.items()
    ]  # fmt: skip
    evidence.table([*rows, {"what": "yours", "words": str(np.asarray(got).tolist())}])
    judge_words(
        got, mask_by_hand(words_of(x, 1.0), 2, seeds=seeds, pads=pads), what="message of client 2"
    )


@check(
    "3.7", sentence="Each seed is expanded once, to as many words as there are numbers.", weight=0.5
)
def as_many_words(student: Student, rng: np.random.Generator) -> None:
    """Write down which seeds are expanded."""
    pads, x = Pads(rng), np.arange(5.0)
    seeds = pads.deal([0, 1, 2])[0]
    message_of(student, x, rank=0, scale=4.0, seeds=seeds, pads=pads)
    evidence.table([{"seed": seed, "words": size} for seed, size in pads.asked])
    judge_expansions(pads, seeds=seeds, size=5)


@check(
    "3.7",
    sentence="What is sent looks like chance: every byte is equally frequent, whatever the "
    "numbers.",
)
def zeros_all_day(student: Student, rng: np.random.Generator) -> None:
    """Look at 16 rounds of a client that always sends zeros."""
    statistic, is_masked = look_at_messages(student, rng, x=np.zeros(512), rounds=16)
    evidence.table([{"chi-square of yours": statistic, "at most by chance": CHI_SQUARE_LIMIT}])
    judge_chance(statistic, is_masked=is_masked)


@check(
    "3.7",
    sentence="`unmasked` returns exactly the sum of the survivors' whole numbers, over scale, "
    "whoever vanished.",
    weight=1.5,
)
def one_vanishes(student: Student, rng: np.random.Generator) -> None:
    """Lose client 1 of four after the masks were agreed."""
    want, got = drop_out(student, rng, clients=[0, 1, 2, 3], gone=[1], size=3)
    evidence.table(
        [
            {"sum": "of the survivors", "numbers": str(want.tolist())},
            {"sum": "yours", "numbers": str(np.asarray(got).tolist())},
        ]
    )
    judge_sum(got, want, what="sum without client 1")


@check(
    "3.7",
    sentence="Words stand for signed 32-bit numbers.",
    weight=0.5,
)
def below_zero(student: Student, rng: np.random.Generator) -> None:
    """Take the words 384 and 2^32 - 384 back at a scale of 256; nobody vanished."""
    total = np.array([384, 2**32 - 384], np.uint32)
    got = student.unmasked(total, {}, scale=256.0, expand=callback(Pads(rng)))
    judge_sum(got, np.array([1.5, -1.5]), what="384 and 2^32 - 384")


@check(
    "3.13",
    sentence="An update longer than clip is scaled to that length; shorter ones, also zeros, stay "
    "as they are.",
)
def two_updates_and_none(student: Student, rng: np.random.Generator) -> None:
    """Clip (6, 8) to length 5, keep (3, 0) and (0, 0)."""
    updates = np.array([[6.0, 8.0], [3.0, 0.0], [0.0, 0.0]])
    got = private_average(student, updates, clip=5.0, noise=(0.0, np.ones(2)), expected=1.0)
    evidence.table([{"sum": "(3, 4) + (3, 0)", "yours": str(np.asarray(got).tolist())}])
    judge_average(got, np.array([6.0, 4.0]), scale=np.array([6.0, 4.0]), what="clip 5")


@check(
    "3.13",
    sentence="Noise is added once, to the sum: noise_multiplier times clip times what one call of "
    "normal(size) returns.",
)
def known_noise(student: Student, rng: np.random.Generator) -> None:
    """Take the numbers 1, -2 and 3 for chance."""
    drawn = np.array([1.0, -2.0, 3.0])
    judge_private(student, np.eye(3)[:2], clip=4.0, noise=(0.5, drawn), expected=1.0)


@check("3.13", sentence="The sum is divided by expected_clients, however many came, also none.")
def fewer_than_expected(student: Student, rng: np.random.Generator) -> None:
    """Expect 2.5 clients; three come, then none."""
    updates = rng.integers(-4, 5, (3, 4)).astype(float)
    for came in (updates, updates[:0]):
        judge_private(student, came, clip=3.0, noise=(0.1, np.ones(4)), expected=2.5)
