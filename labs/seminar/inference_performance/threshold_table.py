"""What becomes of a forest's thresholds in 32 bits, and of rows that lie next to them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from labs.seminar.inference_performance.trees import Tree


def threshold_rows(
    forests: Mapping[str, Sequence[Tree]],
    float32_threshold: Callable[[float], float],
    *,
    ordered_code: Callable[[float], int],
) -> list[dict[str, str | int]]:
    """Return for each forest what happens to its thresholds in 32 bits, and to rows next to them.

    For a threshold that the nearest float32 exceeds, a row with just that number lies above it. It
    changes sides if the threshold is rounded to the nearest, and must not with the function given.

    Parameters
    ----------
    forests
        Name to trees.
    float32_threshold, ordered_code
        As in exercise 6.1.
    """
    found: list[dict[str, str | int]] = []
    for name, forest in forests.items():
        exact = np.unique(np.concatenate([t["threshold"][t["feature"] >= 0] for t in forest]))
        near = exact.astype(np.float32)
        raised = [pair for pair in zip(exact, near, strict=True) if float(pair[1]) > pair[0]]
        codes = [(ordered_code(row), ordered_code(float32_threshold(t))) for t, row in raised]
        found.append(
            {
                "forest": name,
                "different thresholds": len(exact),
                "not exact in 32 bits": int((near.astype(np.float64) != exact).sum()),
                "rows beside them that change sides, rounded to nearest": len(raised),
                "with your codes": sum(row <= threshold for row, threshold in codes),
            }
        )
    return found
