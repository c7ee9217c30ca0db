"""Kills a process while it saves models, and says what the store then holds.

    python -m labs.seminar.model_management.crashes FOLDER SEED

saves one small model after another, each an update of the one before, and names each on its
standard output once the save has returned. `kill_while_saving` starts that, and ends it as
``kill -9`` does: the process has no chance to tidy up. A power failure is not shown by this: it may
also lose what the operating system has not written yet, which is why the store calls fsync.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from labs.seminar.model_management import sets
from labs.seminar.model_management.disk import TEMPORARY
from labs.seminar.model_management.errors import ModelStoreError
from labs.seminar.model_management.states import State, is_same
from labs.seminar.model_management.store import ModelStore


@dataclass(frozen=True)
class Aftermath:
    """What a killed process left.

    Parameters
    ----------
    told
        Models whose save had returned.
    recovered
        How many of these come back bit by bit.
    others
        Models that were saved and not yet told; whole as well.
    swept
        Files of the interrupted save that a collection removed.
    """

    told: int
    recovered: int
    others: int
    swept: int


def model(seed: int, number: int) -> State:
    """Return the model that the process saves under a number.

    Parameters
    ----------
    seed, number
        Of the series, and in it.
    """
    first = sets.related(1, seed=seed)[0]
    return sets.retrained([first], share=1.0, seed=number)[0]


def save_on(folder: Path, *, seed: int, most: int = 2000) -> None:
    """Save models until the end, naming each on the standard output.

    Parameters
    ----------
    folder
        Of the store.
    seed
        Of the models.
    most
        How many.
    """
    with ModelStore(folder) as store:
        store.save_full("0", model(seed, 0))
        for number in range(1, most):
            base = str(number - 1)
            if number % 4:
                store.save_update(str(number), model(seed, number), base=base)
            else:
                store.save_full(str(number), model(seed, number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


def kill_while_saving(folder: Path, *, seed: int, after: int) -> Aftermath:
    """Start such a process, kill it after some models, and look at what is there.

    Parameters
    ----------
    folder
        Of a store that is not there yet.
    seed
        Of the models.
    after
        How many models it may name before it is killed, >= 1.
    """
    command = [sys.executable, "-m", __name__, str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(after)]
        process.kill()
        told += [int(line) for line in process.stdout if line.endswith("\n")]
    with ModelStore(folder) as store:
        names = [int(name) for name in store.catalog.names()]
        right = [number for number in names if _is_right(store, number, seed=seed)]
        _, swept = store.collect()
    kept = {0, *told}
    return Aftermath(len(kept), len(kept & set(right)), len(set(right) - kept), len(swept))


def _is_right(store: ModelStore, number: int, *, seed: int) -> bool:
    try:
        return is_same(store.recover(str(number)), model(seed, number))
    except ModelStoreError:
        return False


def leftovers(folder: Path) -> list[str]:
    """Return the names of files that were being written when a process ended.

    Parameters
    ----------
    folder
        Of a store.
    """
    return sorted(path.name for path in (folder / "objects").glob(f"{TEMPORARY}*"))


if __name__ == "__main__":
    save_on(Path(sys.argv[1]), seed=int(sys.argv[2]))
