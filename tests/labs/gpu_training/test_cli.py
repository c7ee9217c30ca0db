"""The command line: alone, on two machines that are both this one, and used wrongly."""

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labs.gpu_training import cli
from labs.gpu_training.launching import clusters

OPTIONS: dict[str, Any] = {"size": "tiny", "batch": 4, "steps": 2, "learning_rate": 3e-4}
# As derived in the plan of equality: rounding of a sum over ranks, through two steps of AdamW.
LIMIT = 5e-7


def alone(tmp_path: Path, name: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train in this process; return the record and the weights."""
    words = clusters.train_words(**OPTIONS, **more)[2:]
    files = ["-o", str(tmp_path / "alone.json"), "--weights", str(tmp_path / "alone.npz")]
    assert cli.main([name, *words, *files]) == 0
    record = json.loads((tmp_path / "alone.json").read_text(encoding="utf-8"))
    return record, dict(np.load(tmp_path / "alone.npz"))


def test_two_machines_agree_with_one_process(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    words = clusters.train_words(
        strategy="naive", **OPTIONS, output=tmp_path / "two.json", weights=tmp_path / "two.npz"
    )
    command = clusters.torchrun(words, nodes=2, gpus=1, head="localhost", run_id="test")
    command = command.replace(str(clusters.PORT), str(port))
    words = [*shlex.split(command)[1:3], "--local-addr=localhost", *shlex.split(command)[3:]]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1"}
    with (tmp_path / "said.txt").open("wb") as said:
        machines = [
            subprocess.Popen([sys.executable, *words], env=environment, stdout=said, stderr=said)
            for _ in range(2)
        ]
        try:
            codes = [machine.wait(240) for machine in machines]
        except subprocess.TimeoutExpired:
            pytest.fail((tmp_path / "said.txt").read_text(encoding="utf-8"))
        finally:
            for machine in machines:
                machine.kill()
                machine.wait()
    assert codes == [0, 0], (tmp_path / "said.txt").read_text()
    record, weights = alone(tmp_path, "train", strategy="single")
    both = json.loads((tmp_path / "two.json").read_text(encoding="utf-8"))
    assert (both["ranks"], both["backend"], record["ranks"]) == (2, "gloo", 1)
    assert both["steps"] == record["steps"] == len(both["losses"]) == 2
    found = np.load(tmp_path / "two.npz")
    assert max(float(np.abs(found[name] - weights[name]).max()) for name in weights) <= LIMIT


def test_a_job_goes_on_where_it_was(tmp_path, capsys):
    checkpoint = ["--checkpoint", str(tmp_path / "states"), "--every", "1"]
    words = clusters.train_words(**OPTIONS | {"steps": 1})[2:]
    assert cli.main(["job", *words, *checkpoint]) == 0
    words = clusters.train_words(**OPTIONS)[2:]
    assert cli.main(["job", *words, *checkpoint]) == 0
    decoder = json.JSONDecoder()
    said = capsys.readouterr().out
    first, end = decoder.raw_decode(said)
    second, _ = decoder.raw_decode(said[end:].lstrip())
    assert (first["first_step"], second["first_step"]) == (0, 1)
    assert len(first["losses"]) == len(second["losses"]) == 1


def test_the_commands_for_several_machines(capsys):
    assert cli.main(["command", "--nodes", "3", "--gpus", "4", "--strategy", "fsdp2"]) == 0
    said = capsys.readouterr().out
    assert "--nnodes=3 --nproc-per-node=4" in said
    assert "#SBATCH --nodes=3" in said
    assert said.count("train --strategy fsdp2 --size tiny") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--strategy", "fsdp2_tensor"], "needs 4 ranks or more, this job has 1"),
        (["train", "--batch", "0"], "batch is 0; give a whole number from 1"),
        (["job", "--checkpoint", "x", "--every", "0"], "every is 0; give 1 or more"),
        (["train", "--steps", "0"], "steps is 0; give 1 or more"),
        (["command", "--nodes", "0"], "nodes is 0 and gpus 8; give at least 1"),
    ],
)
def test_wrong_usage_is_told_in_a_line(words, message, capsys):
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_unknown_words_are_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["train", "--strategy", "magic"])
    assert caught.value.code == 2
    assert "fsdp2" in capsys.readouterr().err
