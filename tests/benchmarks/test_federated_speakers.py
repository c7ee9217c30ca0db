"""Real speakers, federated against central: ``COURSE_STUDY=1 pytest tests/benchmarks -s``.

Trains for many minutes, so it is asked for by name and needs the corpus in COURSE_DATA.
"""

import os
import time
from pathlib import Path

import pytest
import torch

from labs.federated_learning import speakers

ARCHIVE = "speech_commands_v2_testset_dev.tar"
archives = os.environ.get("COURSE_DATA", "")
pytestmark = [
    pytest.mark.skipif(
        os.environ.get("COURSE_STUDY") != "1", reason="takes many minutes: set COURSE_STUDY=1"
    ),
    pytest.mark.skipif(
        not archives or not Path(archives, ARCHIVE).is_file(),
        reason=f"needs real speech: COURSE_DATA with {ARCHIVE}",
    ),
]
MOST_CPU_S = 40 * 60
LARGEST_GAP = 0.03


def test_federated_averaging_comes_close_to_central_training() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start_s = time.process_time()
    study = speakers.study(on_pair=lambda pair: print(f"\nseed {pair.seed}: {pair.steps} steps"))
    taken_s = time.process_time() - start_s
    torch.set_num_threads(threads)
    results = study.results()
    for pair in study.pairs:
        print(f"seed {pair.seed}: {study.gap(pair).describe('top1_gap')}")
    for name, result in results.items():
        print(f"{name}: {result.describe(name)}")
    print(f"{taken_s / 60:.1f} CPU-min")
    assert results["top1_gap"].value > -LARGEST_GAP
    assert taken_s <= MOST_CPU_S
