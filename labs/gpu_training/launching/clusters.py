"""The commands that start a job on several machines: torchrun on each, or one script for SLURM.

Pure functions: they return texts and start nothing. Each machine runs the same torchrun command;
the machines find each other at one of them, the head. Whatever is to run must be installed on all.
"""

import shlex
from collections.abc import Sequence

from labs.gpu_training.launching.errors import LaunchError

MODULE = "labs.gpu_training.cli"
PORT = 29_500  # torchrun's own choice
CORES_A_GPU = 8  # for loading data and starting kernels
_SLURM = """\
#!/bin/bash
#SBATCH --job-name=gpu-training
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={gpus}
#SBATCH --cpus-per-task={cores}
#SBATCH --time={time}
#SBATCH --output=%x-%j.txt
set -euo pipefail

head_node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=1
# export NCCL_DEBUG=INFO          # says which network NCCL takes
# export NCCL_SOCKET_IFNAME=ib0   # if it takes the wrong one
# export NCCL_IB_DISABLE=1        # to compare InfiniBand with TCP

# One torchrun a node; if one fails, all end.
srun --kill-on-bad-exit=1 {command}
"""


def train_words(**options: object) -> list[str]:
    """Return the words after ``-m`` that train with these options.

    Parameters
    ----------
    options
        Of ``train`` by name, with underscores; None leaves one out.

    Examples
    --------
    >>> train_words(strategy="fsdp2", learning_rate=3e-4)
    ['labs.gpu_training.cli', 'train', '--strategy', 'fsdp2', '--learning-rate', '0.0003']
    """
    words = [MODULE, "train"]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def torchrun(
    words: Sequence[str], *, nodes: int, gpus: int, head: str = "HEAD", run_id: str = "job"
) -> str:
    """Return the command to give on every machine.

    Parameters
    ----------
    words
        Module and arguments, as of `train_words`.
    nodes, gpus
        Machines, and ranks on each; >= 1.
    head
        Name or address of the machine where all meet, the same on each.
    run_id
        Keeps jobs at the same head apart.

    Raises
    ------
    LaunchError
        If there is no machine or no rank.

    Examples
    --------
    >>> print(torchrun(["x"], nodes=2, gpus=8, head="node1"))  # doctest: +NORMALIZE_WHITESPACE
    python -m torch.distributed.run --nnodes=2 --nproc-per-node=8 --rdzv-backend=c10d
    --rdzv-endpoint=node1:29500 --rdzv-id=job -m x
    """
    return _torchrun(words, nodes=nodes, gpus=gpus, place=(shlex.quote(head), shlex.quote(run_id)))


def slurm_script(words: Sequence[str], *, nodes: int, gpus: int, time: str = "01:00:00") -> str:
    """Return a script for sbatch that starts one torchrun on each node.

    Parameters
    ----------
    words
        Module and arguments, as of `train_words`.
    nodes, gpus
        Machines, and GPUs on each; >= 1.
    time
        Limit of the job, as ``hours:minutes:seconds``.

    Raises
    ------
    LaunchError
        If there is no machine or no GPU.
    """
    place = ('"$head_node"', '"$SLURM_JOB_ID"')
    command = _torchrun(words, nodes=nodes, gpus=gpus, place=place)
    return _SLURM.format(
        nodes=nodes, gpus=gpus, cores=CORES_A_GPU * gpus, time=time, command=command
    )


def _torchrun(words: Sequence[str], *, nodes: int, gpus: int, place: tuple[str, str]) -> str:
    if nodes < 1 or gpus < 1:
        raise LaunchError(f"nodes is {nodes} and gpus {gpus}; give at least 1 of each")
    head, run_id = place
    meeting = f"--rdzv-backend=c10d --rdzv-endpoint={head}:{PORT} --rdzv-id={run_id}"
    ranks = f"--nnodes={nodes} --nproc-per-node={gpus}"
    return f"python -m torch.distributed.run {ranks} {meeting} -m {shlex.join(words)}"
