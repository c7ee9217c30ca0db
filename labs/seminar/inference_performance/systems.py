"""The systems under test: a forest and a network, each as a Python library and as C.

A system is a callable with the rows that it takes and the classes that it has to answer. Forests
have to answer what scikit-learn answers; each network what it answers itself, all rows at once.
Nothing is timed here.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from course_utils import stats
from course_utils.records import Result
from labs.seminar.inference_performance.c_network import CompiledNetwork
from labs.seminar.inference_performance.compiled import CompiledForest
from labs.seminar.inference_performance.int8_network import Int8Network
from labs.seminar.inference_performance.loadgen import Classify, Library
from labs.seminar.inference_performance.network import LARGEST_PIXEL, SIDE
from labs.seminar.inference_performance.runs import Run

Ints = npt.NDArray[np.int64]

CLEAR = 1e-3  # of scores: PyTorch rounds otherwise for other batches, by far less


@dataclass(frozen=True, eq=False)
class System:
    """A program under test.

    Parameters
    ----------
    name
        For tables and figures.
    classify
        Rows to classes, both on the host.
    library
        The rows that it takes, and what it has to answer.
    labels
        (rows,), what the digits are.
    """

    name: str
    classify: Classify = field(repr=False)
    library: Library = field(repr=False)
    labels: Ints = field(repr=False)

    @property
    def top1(self) -> Result:
        """Share of its answers that are right, with Wilson's interval."""
        is_right = np.asarray(self.library.expected) == self.labels
        return stats.proportion_interval(int(is_right.sum()), len(is_right)).result()


def forest_systems(
    oracle: Any, compiled: CompiledForest, *, rows: npt.NDArray[np.float32], labels: Ints
) -> list[System]:
    """Return scikit-learn's forest, and the compiled one that has to answer the same.

    Parameters
    ----------
    oracle
        The fitted classifier; its classes are 0, 1 and so on.
    compiled
        Made of it.
    rows, labels
        (n, features) and (n,).
    """
    expected = oracle.predict(rows)
    encoded = compiled.text.encode(rows)
    return [
        System("forest, scikit-learn", oracle.predict, Library(rows, expected), labels),
        System("forest, C", compiled.classes_of, Library(encoded, expected), labels),
    ]


def network_systems(
    model: nn.Module,
    small: Int8Network,
    *,
    compiled: CompiledNetwork,
    pixels: npt.NDArray[np.uint8],
    labels: Ints,
) -> list[System]:
    """Return the network in PyTorch, on the CPU and on a GPU if there is one, and in whole numbers.

    Parameters
    ----------
    model
        In float32, on the CPU.
    small, compiled
        The same in whole numbers, and its C for this machine.
    pixels, labels
        (n, 64), 0 to 16, and (n,). PyTorch gets those whose two best scores are clearly apart.
    """
    images = pixels.reshape(-1, 1, SIDE, SIDE).astype(np.float32) / LARGEST_PIXEL
    with torch.no_grad():
        scores = model(torch.from_numpy(images)).numpy()
    best_two = np.sort(scores, axis=1)[:, -2:]
    is_clear = best_two[:, 1] - best_two[:, 0] > CLEAR
    clear = Library(images[is_clear], scores[is_clear].argmax(axis=1))
    found = [System("network, PyTorch", _on(model, "cpu"), clear, labels[is_clear])]
    if torch.cuda.is_available():
        found.append(
            System("network, PyTorch on the GPU", _on(model, "cuda"), clear, labels[is_clear])
        )
    whole = Library(pixels, small.classes(pixels))
    return [*found, System("network, C in int8", compiled.classes, whole, labels)]


def choice_rows(
    found: Sequence[System], runs: Mapping[tuple[str, str], Run]
) -> list[dict[str, str]]:
    """Return accuracy, latency and throughput of each system as rows of a table.

    Parameters
    ----------
    found
        The systems.
    runs
        Scenario and name of a system to its run.
    """
    rows = []
    for one in found:
        alone = runs["SingleStream", one.name].percentiles_ms()
        rows.append(
            {
                "system": one.name,
                "top1": one.top1.describe(""),
                "p90, one by one": alone[90].describe("p90_ms") if 90 in alone else "-",
                "p99, one by one": alone[99].describe("p99_ms") if 99 in alone else "-",
                "offline": runs["Offline", one.name].throughput.describe("rate_items_per_s"),
            }
        )
    return rows


def _on(model: nn.Module, device: str) -> Classify:
    twin = model if device == "cpu" else copy.deepcopy(model).to(device)

    @torch.no_grad()
    def classify(images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        # Fetching the classes waits until the device is done.
        classes: npt.NDArray[np.int64] = (
            twin(torch.from_numpy(images).to(device)).argmax(1).cpu().numpy()
        )
        return classes

    return classify
