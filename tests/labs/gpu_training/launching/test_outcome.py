"""What is said of the files that ranks leave: every kind of end, without starting one."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from labs.engine import codec
from labs.gpu_training.launching import outcome
from labs.gpu_training.launching.errors import LaunchError, RankError

# As torch 2.13 words it.
LOST = (
    "[/__w/pytorch/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by "
    "peer [127.0.0.1]:22435. This is typically caused by a remote worker crashing."
)
CPU_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 4000000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
CUDA_MEMORY = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of ..."


def error(message: str, *, name: str = "RuntimeError", **more: Any) -> dict[str, Any]:
    """What a rank writes when something is raised."""
    base = {"name": name, "message": message, "doing": "call", "traceback": "TRACE", "time": 1.0}
    return base | more


def leave(folder: Path, *, outcome: dict[str, int], **files: Any) -> None:
    """Write what the ranks and the agent leave."""
    (folder / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
    for name, content in files.items():
        kind, rank = name.split("_")
        path = folder / f"{kind}-{rank}"
        if kind == "error":
            path.with_suffix(".json").write_text(json.dumps(content), encoding="utf-8")
        else:
            path.write_bytes(codec.encode(content))


def test_results_in_the_order_of_ranks(tmp_path):
    leave(tmp_path, outcome={}, result_1=torch.ones(2), result_0={"a": 1})
    first, second = outcome.results(tmp_path, 2)
    assert first == {"a": 1}
    assert torch.equal(second, torch.ones(2))


def test_a_rank_that_waits_for_one_that_returned(tmp_path):
    leave(tmp_path, outcome={"1": 1}, result_0=1, error_1=error(LOST))
    with pytest.raises(RankError, match=r"rank 1 waited .* returned already \(rank 0\)") as caught:
        outcome.results(tmp_path, 2)
    assert caught.value.rank == 1
    assert caught.value.traceback == "TRACE"


def test_a_result_that_is_no_data(tmp_path):
    said = error("a value of type object; only numbers", name="ExchangeError", doing="result")
    leave(tmp_path, outcome={"0": 1}, error_0=said, result_1=1)
    with pytest.raises(RankError) as caught:
        outcome.results(tmp_path, 2)
    assert str(caught.value).startswith("what rank 0 returned cannot come back: a value of type ob")
    assert "TRACE" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [("RuntimeError", CPU_MEMORY), ("OutOfMemoryError", CUDA_MEMORY), ("MemoryError", "")],
)
def test_out_of_memory_names_the_remedy(name, message):
    said = outcome.explain(0, 1, error=error(message, name=name))
    assert "rank 0 ran out of memory; take a smaller `size` or `batch`" in said
    assert "fsdp2" in said


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGKILL, "killed by SIGKILL. Mostly that means that memory ran out"),
        (-signal.SIGSEGV, "killed by SIGSEGV"),
        (-200, "killed by 200"),
        (3, "ended with exit code 3 before its function returned"),
        (74, "could not write its result: free space"),
    ],
)
def test_how_a_process_died(code, words):
    assert words in outcome.explain(2, code, error={})


def test_the_first_failure_is_the_cause():
    lost, raised = error(LOST, time=1.0), error("no file", time=3.0)
    later = error("another", time=4.0)
    assert outcome.first_failure({0: 1, 1: 1, 2: 1}, {0: lost, 1: later, 2: raised}) == 2
    assert outcome.first_failure({0: 1, 1: -9}, {0: raised, 1: {}}) == 1
    assert outcome.first_failure({0: 1, 1: -signal.SIGTERM}, {0: lost, 1: {}}) == 1
    assert outcome.first_failure({0: -signal.SIGTERM}, {0: {}}) == 0
    assert outcome.first_failure({}, {0: {}, 1: raised}) == 1


def test_ranks_that_did_not_start(tmp_path):
    (tmp_path / "agent.txt").write_text("W1122 18:40 torch/run.py] note\nno address\n")
    with pytest.raises(LaunchError, match=r"could not be started; .*network: no address$"):
        outcome.results(tmp_path, 1)
    (tmp_path / "agent.txt").unlink()
    with pytest.raises(LaunchError, match="torchrun ended without a word"):
        outcome.results(tmp_path, 1)


def test_where_ranks_stood(tmp_path):
    library = Path(torch.__file__).parent / "distributed" / "distributed_c10d.py"
    (tmp_path / "stand-0.txt").write_text(
        "Timeout (0:00:03)!\nThread 0x2 (most recent call first):\n"
        '  File "/x/helper.py", line 1 in other\n\n'
        f'Thread 0x1 (most recent call first):\n  File "{library}", line 3252 in all_reduce\n'
        '  File "/tmp/ipykernel_1/99.py", line 6 in train\n  File "<frozen runpy>", line 88 in x\n'
    )
    (tmp_path / "result-1").touch()
    said = str(outcome.too_late(tmp_path, 3, timeout_s=3.0))
    assert "no end after 3 s: rank 0 stood in line 6 of train, waiting in all_reduce; " in said
    assert "rank 1 had returned; rank 2 had not started" in said


def test_a_place_in_a_file_is_named_with_it():
    stand = 'Thread 0x1 (most recent call first):\n  File "/home/a/steps.py", line 6 in train\n'
    assert outcome.place(stand) == "in line 6 of train in steps.py"
    assert outcome.place("") == "somewhere that it could not tell"


def test_logs_without_the_notes_of_others(tmp_path):
    folder = tmp_path / "logs" / "run" / "attempt_0" / "0"
    folder.mkdir(parents=True)
    (folder / "stdout.log").write_text("[Gloo] Rank 0 is connected to 1 peer ranks.\nloss 2\n")
    (folder / "stderr.log").write_text("[rank0]:[W1122 18:40 x.cpp:5] Warning: slow\n" + "a" * 5000)
    text = outcome.log(tmp_path, 0)
    assert len(text) == outcome.LOG_CHARACTERS
    assert "Gloo" not in text
    assert outcome.log(tmp_path, 1) == ""
