"""How close federated averaging over speakers comes to training on all their clips: a study.

Both take the same number of gradient steps of the same batch, from the same first weights. What
there is to choose, rates, epochs and batch, was chosen on the validation speakers with seed 0; the
test speakers are looked at once, at the end of each run. It costs minutes, so it has a notebook of
its own, `speakers.ipynb`, for one seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from course_utils import records, stats
from course_utils.records import Result
from labs.federated_learning import comparing, loop, partitions, tasks
from labs.federated_learning.given import targets
from labs.federated_learning.local import Local
from labs.federated_learning.tasks import Task
from labs.shared import keywords

Bools = NDArray[np.bool_]
SEEDS = (0, 1, 2)
ROUNDS = 2800
SETTING = loop.Setting(
    rounds=ROUNDS,
    fraction=0.08,
    local=Local(1, batch=8, learning_rate=0.3),
    decay=0.3 ** (1 / ROUNDS),  # to three tenths of the first rate
)
CENTRAL_RATE = 0.1
NAMES = ("federated", "central")
SHARE = 0.9  # of the central network's accuracy: the target of the rounds that are counted


@dataclass(frozen=True, eq=False)
class Pair:
    """A federation and central training of as many steps, of the same seed.

    Parameters
    ----------
    seed
        Of weights, clients, order, and who gets which silence.
    steps
        Gradient steps of each.
    federated, central
        Which test clips each gets right, (n,).
    rounds_to_target
        Rounds until the federation gets nine tenths of what the central network gets right, of
        the validation clips; None if it never does.
    bytes_up, bytes_down
        Sent by, and to, the clients until the end of that round; of the whole run without one.
    """

    seed: int
    steps: int
    federated: Bools
    central: Bools
    rounds_to_target: float | None
    bytes_up: int
    bytes_down: int


@dataclass(frozen=True, eq=False)
class Study:
    """Pairs of several seeds, judged by the same test clips.

    Parameters
    ----------
    pairs
        One a seed.
    owners
        Whose each test clip is, (n,).
    """

    pairs: Sequence[Pair]
    owners: Sequence[str]

    def gap(self, pair: Pair) -> Result:
        """Return a seed's federated minus central accuracy; its interval draws speakers anew."""
        return self._difference(pair.federated, pair.central)

    def results(self) -> dict[str, Result]:
        """Return means over the seeds by the names of the notebook's results.

        ``top1_gap`` has the interval for other speakers and these networks, ``top1_gap_over_seeds``
        that for other seeds and these speakers.
        """
        fed, central = (np.mean([getattr(p, n) for p in self.pairs], 0) for n in NAMES)
        rng = np.random.default_rng(0)
        top1 = {
            f"top1_{name}": stats.cluster_bootstrap(right, self.owners, rng=rng).result()
            for name, right in zip(NAMES, (fed, central), strict=True)
        }
        gaps = [self.gap(pair).value for pair in self.pairs]
        found = top1 | {"top1_gap": self._difference(fed, central)}
        if len(gaps) > 1:
            found["top1_gap_over_seeds"] = stats.mean_interval(gaps).result()
        for name in ("rounds_to_target", "bytes_up", "bytes_down"):
            values = [getattr(pair, name) for pair in self.pairs]
            if None not in values:
                found[name] = records.counted(float(np.mean(values)))
        return found

    def _difference(self, first: NDArray[np.generic], second: NDArray[np.generic]) -> Result:
        a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
        rng = np.random.default_rng(0)
        return stats.paired_difference(a, b, rng=rng, clusters=self.owners).result()


def study(
    dataset: str = "speech_commands",
    *,
    seeds: Sequence[int] = SEEDS,
    setting: loop.Setting = SETTING,
    central_rate: float = CENTRAL_RATE,
    on_pair: Callable[[Pair], None] = lambda _: None,
) -> Study:
    """Train a federation of speakers and a central network for each seed, and compare them.

    Parameters
    ----------
    dataset
        Of `tasks.SPEECH`.
    seeds
        One pair each.
    setting
        Of the federations; its seed is replaced.
    central_rate
        Learning rate of central training, > 0.
    on_pair
        Called after each seed.

    Raises
    ------
    ValueError
        If the data set is not of speech, or there is no seed.
    """
    if dataset not in tasks.SPEECH or not seeds:
        raise ValueError(
            f"dataset is {dataset!r} with {len(seeds)} seeds; "
            f"give one of {', '.join(tasks.SPEECH)} and one seed at least"
        )
    task, unseen = tasks.load(dataset), keywords.load_clips(dataset, "val")
    watched = replace(task, x_test=unseen.features(), y_test=unseen.labels)
    pairs = []
    for seed in seeds:
        pairs.append(_pair(task, watched, replace(setting, seed=seed), central_rate))
        on_pair(pairs[-1])
    return Study(pairs, comparing.owners_of_test(task) or [])


def _pair(task: Task, watched: Task, setting: loop.Setting, rate: float) -> Pair:
    parts = partitions.among_owners(
        task.owners if task.owners is not None else [], seed=setting.seed
    )
    federated = loop.run(watched, parts, setting=setting)
    steps = sum(federated.steps)
    alike = replace(setting, local=replace(setting.local, learning_rate=rate))
    central = loop.central(watched, [steps], setting=alike)  # at once, so that no rate shrinks
    target = SHARE * central.accuracy[-1]
    rounds = targets.rounds_to(federated.accuracy, target)
    paid = federated.rounds if rounds is None else int(np.ceil(rounds))
    return Pair(
        seed=setting.seed,
        steps=steps,
        federated=loop.correct(task, federated.weights),
        central=loop.correct(task, central.weights),
        rounds_to_target=rounds,
        bytes_up=sum(federated.bytes_up[:paid]),
        bytes_down=sum(federated.bytes_down[:paid]),
    )
