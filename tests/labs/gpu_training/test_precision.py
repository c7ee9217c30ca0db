"""float16 against its own bits, the scaler against torch's, steps under autocast."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from labs.engine.student import local_student
from labs.gpu_training import precision
from labs.gpu_training.checks import precision as checks
from labs.gpu_training.given import precision as stand_ins
from labs.gpu_training.workload import Workload


def by_hand(
    gradients: list[np.ndarray], scale: float, good_steps: int, growth_interval: int
) -> tuple[list[np.ndarray] | None, float, int]:
    """Written from the exercise's sentences, to compare torch's scaler with."""
    if not all(np.isfinite(g).all() for g in gradients):
        return None, scale / 2, 0
    is_due = good_steps + 1 == growth_interval
    return [g / scale for g in gradients], scale * (1 + is_due), 0 if is_due else good_steps + 1


@settings(deadline=None, max_examples=50)
@given(kinds=st.text("gginm", min_size=1, max_size=12), growth_interval=st.integers(1, 4))
def test_torchs_scaler_does_what_the_exercise_says(kinds: str, growth_interval: int) -> None:
    scale, good = 256.0, 0
    for gradients in checks.steps_of(kinds):
        got = stand_ins.scaler_step(gradients, scale, good, growth_interval)
        kept, scale, good = by_hand(gradients, scale, good, growth_interval)
        assert got[1:] == (scale, good)
        assert (got[0] is None) == (kept is None)
        for have, want in zip(got[0] or [], kept or [], strict=True):
            np.testing.assert_array_equal(have, want)


def test_the_checks_take_both() -> None:
    for functions in (vars(stand_ins), {"scaler_step": by_hand}):
        rows = checks.judge_steps(
            local_student(functions), checks.steps_of("gigggng"), scale=8.0, growth_interval=2
        )
        assert [row["scale next"] for row in rows] == [8, 4, 4, 8, 8, 4, 4]
        assert [row["good steps"] for row in rows] == [1, 0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("capability", "chosen"),
    [(None, ("float32", False)), ((7, 9), ("float16", True)), ((8, 0), ("bfloat16", False))],
)
def test_precision_follows_from_the_capability(
    capability: tuple[int, int] | None, chosen: tuple[str, bool]
) -> None:
    assert stand_ins.choose_precision(capability) == chosen


def test_gradients_are_those_of_each_linear_layers_output() -> None:
    workload = Workload(batch=2)
    gradients = precision.gradients_of(workload)
    model, (x, y) = workload.model(), workload.batch_of(0)
    assert len(gradients) == 2 * 6 + 1
    # The last is that of the logits, which is known: softmax minus one, over the tokens.
    logits = model(x).detach()
    wanted = (logits.softmax(-1) - functional.one_hot(y, logits.shape[-1])) / y.numel()
    np.testing.assert_allclose(gradients[-1], wanted.numpy(), atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.floats(2.0**-40, 2.0**20))
def test_shares_lost_follow_from_the_range_of_float16(value: float) -> None:
    found = precision.lost_in_float16([np.array([value], np.float32)], scale=1.0)
    single = float(np.float32(value))
    # 2**-25 is half of the smallest subnormal, 65,520 half-way from the largest to the next.
    is_coarse = 2.0**-25 < single < 2.0**-14 * (1 - 2.0**-12)
    assert found == (single <= 2.0**-25, is_coarse, single >= 65_520)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_step_multiplies_in_the_dtype_asked_for(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[torch.dtype] = set()
    linear = functional.linear

    def watched(*args: torch.Tensor) -> torch.Tensor:
        out = linear(*args)
        seen.add(out.dtype)
        return out

    monkeypatch.setattr(functional, "linear", watched)
    precision.precise_step(Workload(batch=2), dtype)()
    assert seen == {getattr(torch, dtype)}


def test_instructions_are_named_where_torch_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"amx_bf16": False, "avx512_bf16": True, "avx2": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert precision.bf16_instructions() == ["avx512_bf16"]
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert precision.bf16_instructions() == []


def test_without_a_gpu_there_is_no_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert precision.capability() is None
