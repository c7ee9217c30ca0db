"""The hidden checks of exercises 3.7 and 3.13: the same sentences, other sizes and numbers."""

import numpy as np

from labs.engine.checks import check, raises
from labs.engine.student import Student, callback
from labs.federated_learning.checks.private import (
    drop_out,
    judge_chance,
    judge_expansions,
    judge_input,
    judge_private,
    judge_sum,
    judge_words,
    look_at_messages,
    mask_by_hand,
    message_of,
    private_average,
    refuses,
    words_of,
)
from labs.federated_learning.pads import Pads

CLIENTS = ([0, 1], [2, 5, 9], [7, 3, 11, 0, 6], [1, 2, 3, 4, 5, 6, 7])


@check(
    "3.7",
    sentence="`reconstruct` returns the row with the largest absolute bias gradient, divided by "
    "that gradient.",
    weight=1.5,
)
def noisy_rows(student: Student, rng: np.random.Generator) -> None:
    """Every row but the largest is spoilt; the largest is the first, the last, negative, tiny."""
    for inputs, outputs, size in ((64, 32, -1.0), (5, 2, 3.0), (12, 7, 1e-6)):
        for place in (0, outputs - 1):
            hidden = rng.uniform(-1, 1, inputs).astype(np.float32)
            bias = (rng.uniform(-0.9, 0.9, outputs) * abs(size)).astype(np.float32)
            bias[place] = size
            weight = np.outer(bias, hidden) + rng.normal(0, abs(size) / 9, (outputs, inputs))
            weight[place] = bias[place] * hidden
            got = student.reconstruct(weight.astype(np.float32), bias)
            judge_input(got, hidden, what=f"row {place} of {outputs}")


@check("3.7", sentence="A bias gradient that is zero throughout raises `ValueError`.", weight=0.5)
def nothing_to_read(student: Student, rng: np.random.Generator) -> None:
    refuses(lambda: student.reconstruct(np.ones((3, 2), np.float32), np.zeros(3, np.float32)))
    # One unit that speaks is enough, however softly.
    bias = np.array([0.0, 0.0, -1e-20], np.float32)
    hidden = np.array([0.5, 1.0], np.float32)
    judge_input(student.reconstruct(np.outer(bias, hidden), bias), hidden, what="a soft unit")


@check(
    "3.7",
    sentence="A message holds x times scale, rounded to the nearest whole number, modulo 2^32, as "
    "uint32, and masks.",
)
def many_numbers(student: Student, rng: np.random.Generator) -> None:
    pads = Pads(rng)
    seeds = pads.deal([3, 8])[8]
    for scale in (2.0**20, 1000.0, 1.0):
        whole = rng.integers(-(2**29), 2**29, 200)
        x = (whole + rng.uniform(-0.45, 0.45, 200)) / scale  # no number lies half-way
        want = mask_by_hand((whole % 2**32).astype(np.uint32), 8, seeds=seeds, pads=pads)
        got = message_of(student, x, rank=8, scale=scale, seeds=seeds, pads=pads)
        judge_words(got, want, what=f"scale {scale:g}")


@check(
    "3.7",
    sentence="`masked` raises `ValueError` where the number of clients times the largest absolute "
    "whole number is above 2^31 - 1.",
)
def at_the_limit(student: Student, rng: np.random.Generator) -> None:
    for clients, largest in ((1, 2**31 - 1), (2, 2**30 - 1), (3, 715827882)):
        pads = Pads(rng)
        seeds = pads.deal(list(range(clients)))[0]
        for sign in (1, -1):
            x = np.array([sign * float(largest), 1.0])
            got = message_of(student, x, rank=0, scale=1.0, seeds=seeds, pads=pads)
            want = mask_by_hand(words_of(x, 1.0), 0, seeds=seeds, pads=pads)
            judge_words(got, want, what=f"{clients} clients at the limit")
            x = np.array([1.0, sign * float(largest + 1)])
            with raises("ValueError"):
                message_of(student, x, rank=0, scale=1.0, seeds=seeds, pads=pads)


@check(
    "3.7",
    sentence="A client adds the words of each seed that it shares with a higher number and "
    "subtracts those it shares with a lower one, modulo 2^32.",
    weight=1.5,
)
def numbers_in_any_order(student: Student, rng: np.random.Generator) -> None:
    for clients in CLIENTS:
        pads, x = Pads(rng), rng.integers(-99999, 99999, 33).astype(float)
        seeds = pads.deal(clients)
        for rank in clients:
            got = message_of(student, x, rank=rank, scale=1.0, seeds=seeds[rank], pads=pads)
            want = mask_by_hand(words_of(x, 1.0), rank, seeds=seeds[rank], pads=pads)
            judge_words(got, want, what=f"message of client {rank} of {clients}")


@check(
    "3.7", sentence="Each seed is expanded once, to as many words as there are numbers.", weight=0.5
)
def expansions(student: Student, rng: np.random.Generator) -> None:
    for clients in CLIENTS[1:]:
        pads, x = Pads(rng), rng.integers(-99, 99, 17).astype(float)
        seeds = pads.deal(clients)[clients[0]]
        message_of(student, x, rank=clients[0], scale=2.0, seeds=seeds, pads=pads)
        judge_expansions(pads, seeds=seeds, size=17)


@check(
    "3.7",
    sentence="What is sent looks like chance: every byte is equally frequent, whatever the "
    "numbers.",
)
def small_numbers(student: Student, rng: np.random.Generator) -> None:
    """Small numbers have three bytes in common: a mask that is too short shows them."""
    x = rng.integers(0, 256, 1024).astype(float)
    statistic, is_masked = look_at_messages(student, rng, x=x, rounds=16)
    judge_chance(statistic, is_masked=is_masked)


@check(
    "3.7",
    sentence="`unmasked` returns exactly the sum of the survivors' whole numbers, over scale, "
    "whoever vanished.",
    weight=2,
)
def all_but_two_vanish(student: Student, rng: np.random.Generator) -> None:
    for clients in CLIENTS:
        for count in range(len(clients) - 1):
            gone = rng.choice(clients, count, replace=False).tolist()
            want, got = drop_out(student, rng, clients=clients, gone=gone, size=21)
            judge_sum(got, want, what=f"sum of {clients} without {gone}")


@check("3.7", sentence="Words stand for signed 32-bit numbers.", weight=0.5)
def ends_of_the_range(student: Student, rng: np.random.Generator) -> None:
    whole = np.concatenate([[2**31 - 1, -(2**31), 0, -1], rng.integers(-(2**31), 2**31, 60)])
    words = (whole % 2**32).astype(np.uint32)
    for scale in (2.0**16, 2.0**-3):
        got = student.unmasked(words, {}, scale=scale, expand=callback(Pads(rng)))
        judge_sum(got, whole / scale, what=f"scale {scale:g}")


@check(
    "3.13",
    sentence="An update longer than clip is scaled to that length; shorter ones, also zeros, stay "
    "as they are.",
)
def long_and_short(student: Student, rng: np.random.Generator) -> None:
    """Lengths from 3 to 300 around the limit, one exactly at it, one zero."""
    updates = rng.normal(size=(24, 40))
    updates *= (np.geomspace(3, 300, 24) / np.linalg.norm(updates, axis=1))[:, None]
    updates[3], updates[7] = 0.0, 0.0
    updates[7, 0] = 30.0
    judge_private(student, updates, clip=30.0, noise=(0.0, np.ones(40)), expected=1.0)


@check(
    "3.13",
    sentence="Noise is added once, to the sum: noise_multiplier times clip times what one call of "
    "normal(size) returns.",
)
def drawn_noise(student: Student, rng: np.random.Generator) -> None:
    for multiplier, clip in ((1.1, 2.5), (4.0, 10.0)):
        noise = (multiplier, rng.standard_normal(30))
        judge_private(student, rng.normal(0, 3, (9, 30)), clip=clip, noise=noise, expected=1.0)


@check("3.13", sentence="The sum is divided by expected_clients, however many came, also none.")
def one_more_client(student: Student, rng: np.random.Generator) -> None:
    """A client more moves the result by what it sent over what was expected, and no further."""
    updates, noise = rng.normal(0, 3, (12, 20)), (0.7, rng.standard_normal(20))
    for came in (0, 1, 11, 12):
        judge_private(student, updates[:came], clip=2.5, noise=noise, expected=7.5)
    fewer, more = (
        np.asarray(private_average(student, each, clip=2.5, noise=noise, expected=7.5), np.float64)
        for each in (updates[:11], updates)
    )
    moved = float(np.linalg.norm(more - fewer))
    # The last update is longer than the limit, so it is sent at that length.
    assert abs(moved - 2.5 / 7.5) <= 1e-5, (
        f"one client more moves the average by 2.5 / 7.5 = 0.3333; yours by {moved:.4f}"
    )
