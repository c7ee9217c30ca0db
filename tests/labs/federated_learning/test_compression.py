"""Channels with fewer bytes: what arrives, what is left, what is counted."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labs.federated_learning import messages
from labs.federated_learning.compression import Functions, Squeezed, quantize_int8, top_k

# Without subnormal numbers, of which torch may make zeros.
FLOATS = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)
UPDATES = arrays.arrays(np.float32, st.integers(1, 50), elements=FLOATS)


@given(update=UPDATES, k=st.integers(0, 60))
def test_top_k_is_what_sorting_in_python_finds(update: np.ndarray, k: int) -> None:
    indices, values = top_k(update, k)
    order = sorted(range(len(update)), key=lambda place: (-abs(update[place]), place))
    assert indices.tolist() == sorted(order[:k])
    assert values.tolist() == update[sorted(order[:k])].tolist()
    assert (indices.dtype, values.dtype) == (np.uint32, np.float32)


@given(update=UPDATES, seed=st.integers(0, 99))
def test_a_code_is_less_than_one_step_off(update: np.ndarray, seed: int) -> None:
    codes, scale = quantize_int8(
        update, np.random.default_rng(seed).random(len(update), np.float32)
    )
    assert np.abs(codes.astype(int)).max() <= 127
    # A step, and the roundings of quotient and sum at a size of up to 128.
    off = np.abs(codes * scale.astype(np.float64) - update)
    assert (off <= scale * (1 + 128 * 4 * 2.0**-24)).all()
    assert (codes[update == 0] == 0).all()


def test_codes_are_right_on_average() -> None:
    """The mean of 20,000 codes of a number lies within 5 standard errors: 1 in a million fails."""
    update = np.append(np.full(20_000, 0.3, np.float32), np.float32(127))
    codes, _ = quantize_int8(update, np.random.default_rng(0).random(len(update), np.float32))
    error = (0.3 * 0.7 / 20_000) ** 0.5
    assert abs(float(codes[:-1].mean()) - 0.3) < 5 * error


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    update = np.array([1, bad], np.float32)
    with pytest.raises(ValueError, match="NaN or infinity"):
        top_k(update, 1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantize_int8(update, np.zeros(2, np.float32))


@pytest.mark.parametrize(("way", "each"), [("none", 4 * 200), ("topk", 8 * 2), ("int8", 4 + 200)])
@pytest.mark.parametrize("has_feedback", [False, True])
def test_bytes_are_those_of_the_message(way: str, each: int, has_feedback: bool) -> None:
    channel = Squeezed(way, has_feedback=has_feedback)
    _, sent = channel.up(torch.linspace(-1, 1, 200), client=3, round_=1)
    assert sent == messages.HEADER_BYTES + each


@given(seed=st.integers(0, 30), way=st.sampled_from(["none", "topk", "int8"]))
def test_what_arrived_and_what_is_left_add_up(seed: int, way: str) -> None:
    """Over eight rounds; each rounds twice, at the size of what is owed, which stays below 64."""
    channel, rng = Squeezed(way, share=0.1, seed=seed), np.random.default_rng(seed)
    went_in, came_out = np.zeros(30), np.zeros(30)
    for round_ in range(1, 9):
        update = torch.from_numpy(rng.uniform(-4, 4, 30).astype(np.float32))
        seen, _ = channel.up(update, client=5, round_=round_)
        went_in, came_out = went_in + update.numpy(), came_out + seen.numpy()
    left = channel.left(5)
    assert left is not None
    assert np.abs(went_in - came_out - left).max() <= 8 * 4 * 64 * 2.0**-24
    assert way != "none" or not left.any()


def test_each_client_has_its_own_memory() -> None:
    channel = Squeezed("topk", share=0.5)
    channel.up(torch.tensor([2.0, 1.0]), client=0, round_=1)
    channel.up(torch.tensor([5.0, -8.0]), client=1, round_=1)
    memories = [channel.left(client) for client in (0, 1, 2)]
    assert [None if each is None else each.tolist() for each in memories] == [[0, 1], [5, 0], None]


def test_without_feedback_nothing_is_kept() -> None:
    channel = Squeezed("topk", share=0.5, has_feedback=False)
    seen = [channel.up(torch.tensor([2.0, 1.5]), client=0, round_=r)[0] for r in (1, 2)]
    assert [each.tolist() for each in seen] == [[2, 0], [2, 0]]
    assert channel.left(0) is None


def test_rounding_follows_from_seed_round_and_client() -> None:
    update = torch.linspace(-1, 1, 400)

    def seen(seed: int, client: int, round_: int) -> list[float]:
        channel = Squeezed("int8", has_feedback=False, seed=seed)
        return list(channel.up(update, client=client, round_=round_)[0].tolist())

    assert seen(0, 1, 2) == seen(0, 1, 2)
    assert len({tuple(seen(*each)) for each in ((0, 1, 2), (1, 1, 2), (0, 2, 2), (0, 1, 3))}) == 4


def test_functions_of_a_student_are_asked() -> None:
    asked: list[int] = []

    def last(update: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append(k)
        return np.array([len(update) - 1], np.uint32), update[-1:]

    channel = Squeezed("topk", share=0.3, has_feedback=False, functions=Functions(top_k=last))
    seen, _ = channel.up(torch.ones(10), client=0, round_=1)
    assert (asked, seen.tolist()) == ([3], [0.0] * 9 + [1.0])


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_share_out_of_range(share: float) -> None:
    with pytest.raises(ValueError, match="give a share above 0 and up to 1"):
        Squeezed("topk", share=share)


def test_unknown_way() -> None:
    with pytest.raises(ValueError, match="compression is 'zip'; give one of none, topk, int8"):
        Squeezed("zip")


def test_the_largest_number_has_the_largest_code() -> None:
    codes, scale = quantize_int8(np.array([-12.7, 6.3], np.float32), np.full(2, 0.5, np.float32))
    assert codes.tolist() == [-127, 63]
    assert scale.tolist() == pytest.approx([0.1])
