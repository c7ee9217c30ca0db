"""How many clips a second of processor time gives, on one thread: ``pytest tests/benchmarks -s``.

Prints the best of some repeats, since a busy machine only ever makes code slower; the two virtual
cores of one physical core slow each other down as well. No time is asserted.
"""

import time
from collections.abc import Callable, Iterator

import pytest
import torch

from labs.mcu_compression import training
from labs.shared import keywords
from labs.shared.networks import ds_cnn

CLIPS, REPEATS = 400, 5


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def clips() -> keywords.Clips:
    loaded = keywords.load_clips("keywords_synthetic", "train")
    part = slice(0, len(loaded), len(loaded) // CLIPS)
    return keywords.Clips(
        loaded.samples[part][:CLIPS],
        loaded.labels[part][:CLIPS],
        loaded.speakers[part][:CLIPS],
        loaded.words[part][:CLIPS],
        *(loaded.name, loaded.split, loaded.source),
    )


def report(what: str, work: Callable[[], object], clips: int) -> None:
    """Print the clips per CPU-second of the quickest repeat."""
    work()
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    print(f"\n{what}: {clips / min(seconds):,.0f} clips per CPU-second, one thread")
    assert min(seconds) > 0


def test_front_end(clips):
    report("MFCC front end", clips.features, len(clips))


def test_disturbed_copies(clips):
    work = lambda: keywords.augmented(clips, noise=0.1, seed=0)  # noqa: E731
    report("disturbed copies with their features", work, len(clips))


def test_training(clips):
    features = clips.features()
    settings = training.Settings(epochs=REPEATS + 1)
    passes = training.train(
        ds_cnn(), clips, watch=(features[:1], clips.labels[:1]), settings=settings
    )
    next(passes)  # the first one makes the disturbed copies before
    seconds = []
    for start in iter(time.process_time, None):
        if next(passes, None) is None:
            break
        seconds.append(time.process_time() - start)
    assert len(seconds) == REPEATS
    print(f"\ntraining: {len(clips) / min(seconds):,.0f} clips per CPU-second, one thread")


def test_inference(clips):
    network, features = ds_cnn(), clips.features()
    report("inference", lambda: training.logits(network, features), len(clips))
