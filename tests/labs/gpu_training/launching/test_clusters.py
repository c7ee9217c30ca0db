"""The commands for several machines: what bash, torchrun and SLURM read from them."""

import shlex
import shutil
import subprocess

import pytest
from torch.distributed.run import get_args_parser

from labs.gpu_training.launching import clusters
from labs.gpu_training.launching.errors import LaunchError

WORDS = clusters.train_words(strategy="fsdp2", size="large", weights=None, learning_rate=3e-4)


def test_torchrun_reads_what_was_meant():
    command = clusters.torchrun(WORDS, nodes=4, gpus=8, head="node1", run_id="a job")
    python, m, module, *rest = shlex.split(command)
    assert [python, m, module] == ["python", "-m", "torch.distributed.run"]
    read = get_args_parser().parse_args(rest)
    assert (read.nnodes, read.nproc_per_node, read.rdzv_id) == ("4", "8", "a job")
    assert (read.rdzv_backend, read.rdzv_endpoint) == ("c10d", "node1:29500")
    assert read.module
    assert [read.training_script, *read.training_script_args] == WORDS


def test_bash_and_slurm_read_the_script():
    script = clusters.slurm_script(WORDS, nodes=4, gpus=8, time="02:00:00")
    lines = script.splitlines()
    assert lines[0] == "#!/bin/bash"
    options = {line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")}
    assert {"nodes=4", "gpus-per-node=8", "ntasks-per-node=1", "time=02:00:00"} <= options
    assert all(line.startswith(("export", "# export")) for line in lines if "NCCL" in line)
    if bash := shutil.which("bash"):
        stubs = 'scontrol() { echo node7; echo node8; }; srun() { echo "$@"; };'
        stubs += " SLURM_JOB_NODELIST=x SLURM_JOB_ID=42\n"
        said = subprocess.run(
            [bash, "-c", stubs + script], capture_output=True, text=True, check=True
        ).stdout
        assert "--rdzv-endpoint=node7:29500 --rdzv-id=42 -m labs.gpu_training.cli train" in said


@pytest.mark.parametrize(("nodes", "gpus"), [(0, 8), (2, 0)])
def test_nothing_to_run_on(nodes, gpus):
    with pytest.raises(LaunchError, match="give at least 1 of each"):
        clusters.torchrun(WORDS, nodes=nodes, gpus=gpus)
    with pytest.raises(LaunchError, match="give at least 1 of each"):
        clusters.slurm_script(WORDS, nodes=nodes, gpus=gpus)
