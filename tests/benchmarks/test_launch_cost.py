"""What `launch` takes on top of bare torchrun: ``pytest tests/benchmarks/test_launch_cost.py -s``.

The same function on two ranks, by turns, in processor seconds of all processes; what the notebook
has imported already does not count. Prints both medians; no time is asserted.
"""

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable

from labs.gpu_training.launching.launcher import launch

ROUNDS = 5
WORKER = """
import torch
from torch import distributed as dist

def work():
    total = torch.ones(1)
    dist.all_reduce(total)
    return total

if __name__ == "__main__":
    dist.init_process_group("gloo")
    work()
    dist.destroy_process_group()
"""


def cpu_s() -> float:
    """Return the processor time of this process and of its ended children [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def cost_s(work: Callable[[], object]) -> float:
    """Return the processor time of one call [s]."""
    start_s = cpu_s()
    work()
    return cpu_s() - start_s


def test_launch_against_torchrun(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    names = {"__name__": "__main__"}
    exec(compile(WORKER.partition("if __name__")[0], "<cell>", "exec"), names)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--log-dir", str(tmp_path), "--nproc-per-node", "2", str(script)]
    environment = {"OMP_NUM_THREADS": "1"} | dict(os.environ)
    works = {
        "launch": lambda: launch(names["work"], world_size=2),
        "torchrun": lambda: subprocess.run(
            command, check=True, capture_output=True, env=environment
        ),
    }
    costs_s = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            costs_s[name].append(cost_s(work))
    ours, bare = (statistics.median(costs_s[name]) for name in ("launch", "torchrun"))
    print(f"\nlaunch {ours:.2f} CPU-s, torchrun {bare:.2f} CPU-s: {ours / bare - 1:+.1%}")
    print({name: [round(cost, 2) for cost in costs] for name, costs in costs_s.items()})
    assert min(ours, bare) > 0
