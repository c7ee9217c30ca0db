"""The open checks of exercise 1.7: three small inputs that can be followed by hand."""

import numpy as np
import numpy.typing as npt

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.mcu_compression import pruning_pictures

# float32 keeps 24 bits, so a norm of some hundred squares is right to about 1e-6 of itself.
RELATIVE = 1e-5


def check_mask(student: Student, weights: npt.NDArray[np.float32], *, sparsity: float) -> None:
    """Assert shape, number and choice of a mask; of equal magnitudes any may stay."""
    mask = np.asarray(student.magnitude_mask(weights, sparsity))
    keep = round((1 - sparsity) * weights.size)
    judge_mask(
        mask, weights, keep=keep, what=f"with sparsity {sparsity:g} of {weights.size} weights"
    )


def judge_mask(
    mask: npt.NDArray[np.bool_], weights: npt.NDArray[np.float32], *, keep: int, what: str
) -> None:
    """Assert what the exercise says of a mask, the likeliest mistake first."""
    assert mask.shape == weights.shape, (
        f"{what} the mask has the shape {weights.shape}; yours {mask.shape}"
    )
    assert bool(np.isin(mask, (0, 1)).all()), f"{what} a mask is True or False; yours has numbers"
    stays = mask.astype(bool)
    magnitudes = np.abs(weights)
    is_inverted = judge_choice(~stays, magnitudes) and not judge_choice(stays, magnitudes)
    assert not (is_inverted and stays.any()), (
        f"{what} True means that a weight stays; in yours the small ones do"
    )
    assert int(stays.sum()) == keep, (
        f"{what} exactly {keep} stay, also where magnitudes are equal; in yours {stays.sum()}"
    )
    assert judge_choice(stays, magnitudes), (
        f"{what} one of magnitude {magnitudes[~stays].max():.3g} goes, while one of "
        f"{magnitudes[stays].min():.3g} stays; signs do not count"
    )


def judge_choice(stays: npt.NDArray[np.bool_], magnitudes: npt.NDArray[np.float32]) -> bool:
    """Return whether no magnitude that goes is larger than one that stays."""
    least = magnitudes[stays].min(initial=np.inf)
    return bool(least >= magnitudes[~stays].max(initial=0.0))


def judge_channels(got: object, norms: npt.NDArray[np.floating], *, keep: int) -> None:
    """Assert that the positions are those of the largest norms, in rising order."""
    want = np.sort(np.argsort(-norms)[:keep])
    have = np.asarray(got)
    assert have.shape == want.shape, f"{keep} positions are asked for; you have {have.shape}"
    same = np.array_equal(np.sort(have), want)
    assert not same or np.array_equal(have, want), (
        f"the right channels, but not in rising order: {evidence.brief(have)}"
    )
    assert same, (
        f"of {len(norms)} channels the {keep} with the largest L2 norms are "
        f"{evidence.brief(want)}; you have {evidence.brief(have)}"
    )


def judge_shrunk(
    got: object, weights: npt.NDArray[np.float32], *, threshold: float, what: str
) -> None:
    """Assert that each channel kept its direction, and lost the threshold or vanished."""
    have = np.asarray(got, dtype=np.float64)
    assert have.shape == weights.shape, f"{what}: shape {weights.shape}, you have {have.shape}"
    assert bool(np.isfinite(have).all()), f"{what}: yours holds numbers that are not finite"
    for number, (after, before) in enumerate(zip(have, weights.astype(np.float64), strict=True)):
        norm = float(np.sqrt((before**2).sum()))
        if norm <= threshold:
            assert float(np.abs(after).max()) <= 1e-9 * norm, (  # as 1e-12 beside the norm leaves
                f"{what}: channel {number} has norm {norm:.4g}, at most the threshold "
                f"{threshold:.4g}, and becomes exactly 0; yours does not"
            )
            continue
        left = float(np.sqrt((after**2).sum()))
        assert abs(left - (norm - threshold)) <= RELATIVE * norm, (
            f"{what}: channel {number} shrinks from norm {norm:.4g} to {norm - threshold:.4g}; "
            f"yours to {left:.4g}"
        )
        same = before * (norm - threshold) / norm
        assert float(np.abs(after - same).max()) <= RELATIVE * norm, (
            f"{what}: channel {number} keeps its direction: all its weights shrink by one factor"
        )


@check(
    "1.7",
    sentence="Exactly `round((1 - sparsity) * n)` of the n weights stay, also where "
    "magnitudes are equal.",
)
def mask_of_ten_weights(student: Student, rng: np.random.Generator) -> None:
    """Prune ten weights by half; two of the same magnitude stand at the border."""
    weights = np.array([[0.9, -0.1, 0.4, -0.8, 0.2], [-0.4, 0.05, 0.7, -0.3, 0.6]], np.float32)
    mask = np.asarray(student.magnitude_mask(weights, 0.5))
    if mask.shape == weights.shape:
        figure, axes = plots.new_figure(wide=True)
        pruning_pictures.kept_weights(axes, weights, stays=mask.astype(bool))
        evidence.picture(figure, alt="Ten weights by magnitude; filled bars stay, hollow ones go.")
    judge_mask(mask, weights, keep=5, what="with sparsity 0.5 of 10 weights")


@check("1.7", sentence="The strength of channel c is the L2 norm of all of `weights[c]`.")
def strongest_of_four_channels(student: Student, rng: np.random.Generator) -> None:
    """Rank four channels whose norms are whole: sums, L1 norms and columns rank otherwise."""
    weights = np.array([[3, 4, 0], [-6, 0, 0], [2, 2, 1], [4, -4, 7]], np.float32)
    norms = np.sqrt((weights.astype(float) ** 2).sum(1))
    got = student.strongest_channels(weights, 2)
    chosen = np.asarray(got).ravel().tolist()
    evidence.table(
        [
            {
                "channel": c,
                "weights": weights[c].tolist(),
                "L2 norm": float(norms[c]),
                "stays": c in (1, 3),
                "yours": c in chosen,
            }
            for c in range(4)
        ]
    )
    judge_channels(got, norms, keep=2)


@check(
    "1.7",
    sentence="A channel with norm r above the threshold shrinks to norm r - threshold "
    "and keeps its direction.",
)
def shrink_three_channels(student: Student, rng: np.random.Generator) -> None:
    """Shrink (3, 4) by 1: its norm of 5 becomes 4, so it is multiplied by 4 / 5."""
    weights = np.array([[3, 4], [0.6, -0.3], [-1, 0]], np.float32)
    judge_shrunk(student.shrink_groups(weights, 1.0), weights, threshold=1.0, what="threshold 1")
    angles = rng.uniform(0, 2 * np.pi, 31)
    fan = np.linspace(0, 3, 31)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    fan = fan.astype(np.float32)
    got = np.asarray(student.shrink_groups(fan, 1.0), dtype=np.float64)
    before = np.sqrt((fan.astype(float) ** 2).sum(1))
    figure, axes = plots.new_figure()
    pruning_pictures.shrunk_norms(axes, before, after=np.sqrt((got**2).reshape(31, -1).sum(1)))
    evidence.picture(figure, alt="Norm after against before: 0 up to the threshold, then rising.")
    norms = [float(n) for n in before if abs(n - 1) > 1e-3]  # beside the border rounding decides
    judge_shrunk(
        got[np.isin(before, norms)], fan[np.isin(before, norms)], threshold=1.0, what="a fan"
    )
