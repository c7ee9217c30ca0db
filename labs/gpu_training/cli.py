"""The command line of this lab: one training job, alone or under torchrun, on any machines.

``python -m labs.gpu_training.cli train`` trains and writes a record; ``command`` prints how to
start the same on several machines; ``job`` trains with checkpoints and, started again, goes on from
the last whole one. Standard output carries data only. Exit codes: 0 done, 1 the job failed, 2 wrong
usage.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed as dist

from labs.gpu_training import devices, limits, resuming
from labs.gpu_training.checkpoints import CheckpointError
from labs.gpu_training.given.failing import pack, unpack
from labs.gpu_training.launching import clusters, group
from labs.gpu_training.launching.errors import LaunchError
from labs.gpu_training.launching.launcher import choose_backend
from labs.gpu_training.launching.rank import finish
from labs.gpu_training.strategies import registry
from labs.gpu_training.workload import Workload
from labs.shared.transformer import SIZES

TIMEOUT_S = 1800.0  # of a collective: as long as the slowest rank may load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments
        As on the command line; None takes those of this process.
    """
    chosen = _parser().parse_args(arguments)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else GPUs add in any order
    try:
        chosen.run(chosen)
    except (ValueError, LaunchError, CheckpointError) as err:
        print(f"{chosen.name}: {err}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labs.gpu_training.cli", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name, run, text in (
        ("train", _train, "train with a strategy and write a record"),
        ("job", _job, "train data-parallel with checkpoints, or go on from the last"),
        ("command", _command, "print how to start `train` on several machines"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        _add_workload(command)
        if name == "job":
            command.add_argument("--checkpoint", required=True, help="folder of the checkpoints")
            command.add_argument("--every", type=int, default=10, help="steps between two of them")
        else:
            command.add_argument("--strategy", default="ddp", choices=registry.STRATEGIES)
        if name == "command":
            command.add_argument("--nodes", type=int, default=2, help="machines")
            command.add_argument("--gpus", type=int, default=8, help="GPUs of each machine")
            command.add_argument("--head", default="HEAD", help="name of the machine to meet at")
        else:
            command.add_argument("-o", "--output", help="file of the record, else standard output")
            command.add_argument("--weights", help="file for the trained weights, as .npz")
    return parser


def _add_workload(command: argparse.ArgumentParser) -> None:
    default = Workload()
    command.add_argument("--size", default=default.size, choices=SIZES)
    for name, kind in (("batch", int), ("steps", int), ("learning_rate", float), ("seed", int)):
        option = f"--{name.replace('_', '-')}"
        command.add_argument(option, type=kind, default=getattr(default, name))


def _workload(chosen: argparse.Namespace) -> Workload:
    if chosen.steps < 1:
        raise ValueError(f"steps is {chosen.steps}; give 1 or more")
    names = ("size", "batch", "steps", "learning_rate", "seed")
    return Workload(**{name: getattr(chosen, name) for name in names})


def _train(chosen: argparse.Namespace) -> None:
    strategy = registry.named(chosen.strategy)
    with _ranks(chosen) as ranks:
        if ranks < strategy.least_ranks:
            raise ValueError(
                f"{chosen.strategy} needs {strategy.least_ranks} ranks or more, this job has "
                f"{ranks}; start more with torchrun"
            )
        options = dict(strategy.options)
        if chosen.strategy == "single":  # elsewhere it is the answer that others are held against
            options["device"] = str(devices.local())
        found = strategy.load()(_workload(chosen), **options)
        _report(chosen, found, strategy=chosen.strategy)


def _job(chosen: argparse.Namespace) -> None:
    if chosen.every < 1:
        raise ValueError(f"every is {chosen.every}; give 1 or more steps")
    options = {"folder": chosen.checkpoint, "every": chosen.every}
    with _ranks(chosen):
        found = resuming.train(_workload(chosen), pack=pack, unpack=unpack, **options)
        _report(chosen, found, strategy="job")


def _command(chosen: argparse.Namespace) -> None:
    names = ("strategy", "size", "batch", "steps", "learning_rate", "seed")
    words = clusters.train_words(**{name: getattr(chosen, name) for name in names})
    ranks = {"nodes": chosen.nodes, "gpus": chosen.gpus}
    print("# On each machine:")
    print(clusters.torchrun(words, **ranks, head=chosen.head))
    print("\n# Or with SLURM, as a file for sbatch:")
    print(clusters.slurm_script(words, **ranks), end="")


@contextmanager
def _ranks(chosen: argparse.Namespace) -> Iterator[int]:
    """Enter the process group that torchrun describes, or one of this process alone."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    limits.check(size=chosen.size, batch=chosen.batch, world_size=ranks)
    backend = choose_backend(here)
    if "RANK" in os.environ:
        group.join({"backend": backend, "threads": 1, "timeout_s": TIMEOUT_S})
    else:
        store = dist.HashStore()  # type: ignore[attr-defined]  # it is there, but not in the list
        dist.init_process_group(backend, store=store, rank=0, world_size=1)
    try:
        yield ranks
    finally:
        group.leave()


def _report(chosen: argparse.Namespace, found: dict[str, Any], *, strategy: str) -> None:
    """Write the record and the weights, from rank 0 alone."""
    if dist.get_rank():
        return
    if chosen.weights:
        np.savez(chosen.weights, **found["weights"])
    record = {
        "strategy": strategy,
        "ranks": dist.get_world_size(),
        "backend": dist.get_backend(),
        "torch": torch.__version__,
    }
    record |= {name: getattr(chosen, name) for name in ("size", "batch", "steps", "learning_rate")}
    record |= {name: found[name] for name in ("losses", "step_s", "first_step") if name in found}
    text = json.dumps(record, indent=1)
    if chosen.output:
        Path(chosen.output).write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    # Not `sys.exit`: threads of a process group now and then abort a rank that is done.
    finish(main())
