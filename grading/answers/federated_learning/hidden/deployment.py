"""The hidden checks of exercise 3.10: the same sentences, other lives, answers and accuracies."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.deployment import (
    answer,
    judge_action,
    judge_counts,
    judge_round,
)

HANGS_S = 60.0


def refused_life(times, *, start_s, gap_s):
    """Return a life with so many refusals since the node was online, and when the last one was."""
    life, at_s = [(start_s, "online"), (start_s + 1, "lost")], start_s + 1
    for _ in range(times):
        life += [(at_s + gap_s, "started"), (at_s + 2 * gap_s, "refused")]
        at_s += 2 * gap_s
    return life, at_s


@check(
    "3.10",
    sentence="A node whose last event is online is left alone; a lost one is restarted at once.",
)
def long_lives(student: Student, rng: np.random.Generator) -> None:
    start_s = float(rng.integers(5, 500))
    judge_action(student, [(start_s, "online")], now_s=start_s, want="wait")
    life, _ = refused_life(3, start_s=start_s, gap_s=8.0)
    life += [(start_s + 70, "started"), (start_s + 75, "online")]
    judge_action(student, life, now_s=start_s + 9_000, want="wait")
    life += [(start_s + 400, "lost")]
    for later_s in (0, 1, 300):
        judge_action(student, life, now_s=start_s + 400 + later_s, want="restart")


@check(
    "3.10",
    sentence="After the k-th refusal in a row a restart is due min(first_s * 2^(k - 1), most_s) "
    "seconds after that refusal; until then, wait.",
    weight=1.5,
)
def other_pauses(student: Student, rng: np.random.Generator) -> None:
    for first_s, most_s in ((2, 16), (3, 40), (0.5, 1), (8, 5)):
        for times in range(1, 7):
            life, at_s = refused_life(times, start_s=float(rng.integers(1, 99)), gap_s=7.0)
            pause_s = min(first_s * 2 ** (times - 1), most_s)
            options = {"first_s": first_s, "most_s": most_s}
            judge_action(student, life, now_s=at_s + pause_s, want="restart", **options)
            judge_action(student, life, now_s=at_s + pause_s - 0.25, want="wait", **options)


@check(
    "3.10",
    sentence="Refusals are counted since the node was last online; starts in between do not "
    "matter.",
)
def online_in_between(student: Student, rng: np.random.Generator) -> None:
    for earlier in (1, 4, 9):
        first, at_s = refused_life(earlier, start_s=3.0, gap_s=5.0)
        second, last_s = refused_life(2, start_s=at_s + 50, gap_s=5.0)
        life = [*first, (at_s + 45, "started"), *second]
        judge_action(student, life, now_s=last_s + 4, want="restart")
        judge_action(student, life, now_s=last_s + 3.5, want="wait")
    never = [(0.0, "started"), (4.0, "refused"), (6.0, "started"), (9.0, "refused")]
    judge_action(student, never, now_s=12.5, want="wait")
    judge_action(student, never, now_s=13.0, want="restart")
    hung = [(0.0, "started"), (60.0, "started"), (120.0, "started"), (125.0, "refused")]
    judge_action(student, hung, now_s=127.0, want="restart")


@check("3.10", sentence="After `tries` refusals in a row, give up.")
def other_numbers_of_tries(student: Student, rng: np.random.Generator) -> None:
    for tries in (1, 2, 8):
        life, at_s = refused_life(tries, start_s=10.0, gap_s=6.0)
        for later_s in (0.0, 1_000.0):
            judge_action(student, life, now_s=at_s + later_s, want="give up", tries=tries)
        judge_action(student, life, now_s=at_s + 0.5, want="wait", tries=tries + 1)
    life, at_s = refused_life(8, start_s=10.0, gap_s=6.0)
    judge_action(student, life, now_s=at_s, want="give up")


@check(
    "3.10",
    sentence="A start that shows nothing for 60 seconds hangs: restart it; before that, wait.",
)
def a_start_that_hangs(student: Student, rng: np.random.Generator) -> None:
    for times in (0, 3):
        life, at_s = refused_life(times, start_s=20.0, gap_s=4.0)
        life.append((at_s + 30, "started"))
        judge_action(student, life, now_s=at_s + 30, want="wait")
        judge_action(student, life, now_s=at_s + 30 + HANGS_S - 0.5, want="wait")
        judge_action(student, life, now_s=at_s + 30 + HANGS_S, want="restart")


@check(
    "3.10",
    sentence="Each client that was asked counts once, by its first answer; without any it is "
    "silent.",
)
def answers_that_come_twice(student: Student, rng: np.random.Generator) -> None:
    asked = rng.permutation(40)[:9].tolist()
    answers = [answer(client, samples=int(rng.integers(1, 500))) for client in asked[:6]]
    twice = [answer(asked[0], error="late"), answer(asked[1]), answer(asked[2], samples=0)]
    judge_counts(student, asked, answers=[*answers, *twice], want=(6, 0, 3))
    judge_counts(student, asked, answers=[*twice, *answers], want=(4, 2, 3))
    judge_counts(student, asked, answers=[], want=(0, 0, 9))
    judge_counts(student, [], answers=[], want=(0, 0, 0))


@check("3.10", sentence="An answer with an error, or trained on no sample, is failed.")
def mixed_answers(student: Student, rng: np.random.Generator) -> None:
    answers = [answer(3), answer(1, samples=0), answer(7, error="x"), answer(5, samples=1)]
    answers.append(answer(8, samples=0, error="Node Unavailable"))
    judge_counts(student, [1, 3, 5, 7, 8, 9], answers=answers, want=(2, 3, 1))


@check("3.10", sentence="Answers of clients that were not asked do not count.", weight=0.5)
def answers_of_others(student: Student, rng: np.random.Generator) -> None:
    answers = [answer(4), answer(5), answer(6, error="x"), answer(7, samples=0)]
    judge_counts(student, [4], answers=answers, want=(1, 0, 0))
    judge_counts(student, [2, 6], answers=answers, want=(0, 1, 1))


# Accuracies and tolerances are multiples of 1/64, so that a difference is exact.
@check(
    "3.10",
    sentence="It is the latest saved round that is at most `tolerance` below the best saved one.",
)
def any_order_and_gaps(student: Student, rng: np.random.Generator) -> None:
    for tolerance in (0.0, 1 / 64, 5 / 64, 1.0):
        rounds = rng.permutation(60)[:12].tolist()
        accuracies = {each: float(rng.integers(16, 64)) / 64 for each in rounds}
        saved = rounds[::2]
        best = max(accuracies[each] for each in saved)
        want = max(each for each in saved if best - accuracies[each] <= tolerance)
        judge_round(student, accuracies, saved=saved, tolerance=tolerance, want=want)
    unsaved = {1: 0.5, 2: 0.875, 3: 0.25}
    judge_round(student, unsaved, saved=[1, 3], tolerance=0.125, want=1)
    level = {9: 0.5, 3: 0.5, 4: 0.25}
    judge_round(student, level, saved=[9, 3, 4], tolerance=0.0, want=9)
    judge_round(student, level, saved=[4, 9, 3], tolerance=0.125, want=9)


@check(
    "3.10",
    sentence="A round whose accuracy is unknown or not finite is never chosen, nor does it count "
    "as the best.",
    weight=0.5,
)
def accuracies_that_are_no_numbers(student: Student, rng: np.random.Generator) -> None:
    nan, inf = float("nan"), float("inf")
    accuracies = {1: 0.5, 2: 0.625, 3: nan, 4: inf}
    judge_round(student, accuracies, saved=[1, 2, 3, 4, 5], tolerance=0.0625, want=2)
    judge_round(student, {0: nan, **accuracies}, saved=[0, 1, 2, 3], tolerance=0.25, want=2)
    judge_round(student, {6: -inf, 2: 0.25}, saved=[2, 6], tolerance=1.0, want=2)


@check("3.10", sentence="If no round is left, the answer is None.", weight=0.5)
def nothing_left(student: Student, rng: np.random.Generator) -> None:
    judge_round(student, {}, saved=[], tolerance=0.5, want=None)
    judge_round(student, {1: float("nan"), 2: 0.5}, saved=[1], tolerance=0.5, want=None)
    judge_round(student, {0: 0.125}, saved=[0], tolerance=0.5, want=0)  # 0 is a round
