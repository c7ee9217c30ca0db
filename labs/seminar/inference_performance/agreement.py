"""Whether compiled forests agree with scikit-learn, on rows that were made to tell them apart.

Digits alone would prove little: no pixel lies on a threshold. So rows are drawn as well, with
numbers exactly at thresholds and one step of float32 beside them. Agreement on all of them is no
proof either, but a comparison that is wrong at any node it meets shows at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.compiled import CompiledForest
from labs.seminar.inference_performance.keys import float32_thresholds
from labs.seminar.inference_performance.trees import Tree

Rows = npt.NDArray[np.float32]


def probes(
    forest: Sequence[Tree], *, features: int, count: int, rng: np.random.Generator
) -> dict[str, Rows]:
    """Return rows (count, features) of three kinds, by name.

    Parameters
    ----------
    forest
        Gives thresholds: each feature takes only those that some node compares it with.
    features
        Numbers in a row.
    count
        Rows of each kind, >= 1.
    rng
        Draws them.
    """
    pairs = [np.column_stack([t["feature"], t["threshold"]])[t["feature"] >= 0] for t in forest]
    known = np.concatenate([*pairs, np.zeros((0, 2))])
    largest = float(np.abs(known[:, 1]).max(initial=1.0))
    anywhere = rng.uniform(-largest, largest, (count, features)).astype(np.float32)
    at = anywhere.copy()
    for feature in range(features):
        thresholds = known[known[:, 0] == feature, 1]
        if thresholds.size:
            at[:, feature] = float32_thresholds(rng.choice(thresholds, count))
    above = np.nextafter(at, np.float32(np.inf))
    return {"anywhere": anywhere, "at thresholds": at, "one step above": above}


def agreement(
    compiled: CompiledForest, oracle: Any, *, rows: Mapping[str, Rows]
) -> list[dict[str, str | int]]:
    """Return for each kind of rows how many get the same class and the same scores, bit for bit.

    Parameters
    ----------
    compiled
        With scores of double.
    oracle
        The fitted classifier of scikit-learn; its classes are 0, 1 and so on.
    rows
        Name to rows (n, features).
    """
    found: list[dict[str, str | int]] = []
    for name, each in rows.items():
        same_class = compiled.classes(each) == oracle.predict(each)
        same_scores = (compiled.scores(each) == oracle.predict_proba(each)).all(axis=1)
        found.append(
            {
                "rows": name,
                "number": len(each),
                "same class": int(same_class.sum()),
                "same scores, bit for bit": int(same_scores.sum()),
            }
        )
    return found
