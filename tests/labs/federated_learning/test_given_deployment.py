"""The stand-ins of exercise 3.10 against the plainest reading of its sentences."""

import math

from hypothesis import given
from hypothesis import strategies as st

from labs.federated_learning.given.deployment import count_answers, next_action, roll_back

NEXT = {"started": ["online", "refused"], "online": ["lost"], "lost": ["started"]}


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[float, str]]:
    at_s, life = 0.0, [(0.0, draw(st.sampled_from(["started", "online"])))]
    for _ in range(draw(st.integers(0, 25))):
        at_s += draw(st.integers(0, 50)) / 4
        life.append((at_s, draw(st.sampled_from(NEXT.get(life[-1][1], ["started"])))))
    return life


@given(lives(), st.integers(0, 400), st.integers(1, 9))
def test_next_action_follows_the_life_forwards(
    life: list[tuple[float, str]], later: int, tries: int
) -> None:
    """A small machine that lives through it, instead of looking back."""
    refusals, pause_s = 0, math.inf
    for _, what in life:
        if what == "online":
            refusals, pause_s = 0, math.inf
        elif what == "refused":
            refusals += 1
            pause_s = [3, 6, 12, 20][min(refusals, 4) - 1]
        else:
            pause_s = {"started": 60, "lost": 0}[what]
    want = "restart" if later / 4 >= pause_s else "wait"
    if life[-1][1] == "refused" and refusals >= tries:
        want = "give up"
    got = next_action(life, life[-1][0] + later / 4, first_s=3, most_s=20, tries=tries)
    assert got == want


answers = st.fixed_dictionaries(
    {
        "client": st.integers(0, 6),
        "samples": st.integers(0, 2),
        "error": st.sampled_from(["", "", "gone"]),
    }
)


@given(st.sets(st.integers(0, 6)), st.lists(answers, max_size=12))
def test_counts_make_up_what_was_asked(asked: set[int], given_: list[dict[str, object]]) -> None:
    counts = count_answers(sorted(asked), given_)
    assert sum(counts.values()) == len(asked)
    heard = {answer["client"] for answer in given_}
    assert counts["silent"] == len(asked - heard)
    assert counts == count_answers(sorted(asked), given_ + given_)


@given(
    st.dictionaries(st.integers(0, 20), st.sampled_from([0.25, 0.5, 0.75, math.nan, math.inf])),
    st.lists(st.integers(0, 20), unique=True),
    st.sampled_from([0.0, 0.25, 0.5]),
)
def test_no_later_round_is_good_enough(
    accuracies: dict[int, float], saved: list[int], tolerance: float
) -> None:
    usable = {r: accuracies[r] for r in saved if math.isfinite(accuracies.get(r, math.nan))}
    got = roll_back(accuracies, saved, tolerance)
    if got is None:
        assert not usable
        return
    best = max(usable.values())
    assert usable[got] >= best - tolerance
    assert all(a < best - tolerance for r, a in usable.items() if r > got)
