"""Training and tuning on tones, which a network must tell apart within seconds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from course_utils import stats
from labs.mcu_compression import training
from labs.shared import keywords
from labs.shared.networks import ds_cnn

QUICK = training.Settings(epochs=3, batch=16, noise=0.05)


@pytest.fixture(scope="module")
def tones() -> keywords.Clips:
    """Sixty tones of three pitches, each at its own loudness and phase."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    pitch_hz = np.array([300, 900, 2400])[labels]
    phase = rng.uniform(0, 6.28, 60)[:, None]
    waves = np.sin(2 * np.pi * pitch_hz[:, None] * np.arange(16_000) / 16_000 + phase)
    return keywords.Clips(
        samples=torch.from_numpy((waves * rng.uniform(0.1, 0.9, (60, 1))).astype(np.float32)),
        labels=torch.from_numpy(labels.astype(np.int64)),
        speakers=np.array([f"speaker {i % 10}" for i in range(60)]),
        words=np.array(["tone"] * 60),
        name="tones",
        split="train",
        source="a test",
    )


@pytest.fixture(scope="module")
def examples(tones) -> training.Examples:
    return tones.features(), tones.labels


def fitted(tones, examples, **changes):
    network = ds_cnn(width=0.125)
    settings = training.Settings(**{"epochs": 3, "batch": 16, "noise": 0.05, **changes})
    history = list(training.train(network, tones, watch=examples, settings=settings))
    return parameters_to_vector(network.parameters()).detach(), history


def test_training_learns_and_the_same_seed_gives_the_same_weights(tones, examples):
    state = torch.random.get_rng_state()
    one, history = fitted(tones, examples, epochs=20, learning_rate=0.02)
    two, again = fitted(tones, examples, epochs=20, learning_rate=0.02)
    assert torch.equal(one, two)
    assert history == again
    assert [epoch.number for epoch in history] == list(range(1, 21))
    assert history[-1].loss < history[0].loss
    assert history[-1].correct >= 50
    assert history[-1].n == 60
    assert torch.equal(torch.random.get_rng_state(), state)


def test_seed_noise_and_batch_each_change_the_weights(tones, examples):
    first, _ = fitted(tones, examples)
    for change in ({"seed": 1}, {"noise": 0.5}, {"batch": 20}):
        other, _ = fitted(tones, examples, **change)
        assert not torch.equal(first, other), change


def test_training_leaves_the_layers_as_they_were(tones, examples):
    network = ds_cnn(width=0.125)
    passes = training.train(network, tones, watch=examples, settings=QUICK)
    next(passes)
    assert not network.training
    passes.close()  # as a loop does that is left early
    assert not any(layer.inplace for layer in network.modules() if isinstance(layer, nn.ReLU))
    rates = [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)]
    assert rates == [0.2, 0.4]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs is 0; give at least 1"),
        ({"batch": -3}, "batch is -3; give at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; give a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"noise": 1.5}, "noise is 1.5; give a share"),
    ],
)
def test_settings_out_of_range_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        training.Settings(**wrong)


def test_tuning_calls_after_each_step_and_says_every_loss(examples):
    calls, network = [], ds_cnn(width=0.125)
    losses = training.tune(network, examples, settings=QUICK, after_step=calls.append)
    assert not network.training
    assert len(losses) == 3
    assert len(calls) == 3 * 4  # passes, and 60 clips in batches of 16


def test_a_mask_kept_after_each_step_stays(examples):
    network = ds_cnn(width=0.125)
    weight = network.head[-1].weight

    @torch.no_grad()
    def keep(_: nn.Module) -> None:
        weight[0] = 0

    training.tune(network, examples, settings=QUICK, after_step=keep)
    assert not weight[0].any()
    assert weight[1].all()


def test_logits_are_those_of_single_clips_in_evaluation_mode(examples):
    network = ds_cnn(width=0.125)
    got = training.logits(network, examples[0])
    assert network.training
    network.eval()
    with torch.no_grad():
        want = torch.cat([network(features[None]) for features in examples[0]])
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)  # float32, other batch
    right = training.is_right(network, examples)
    assert right.tolist() == (want.argmax(1) == examples[1]).tolist()


def test_the_interval_is_that_of_speakers(tones):
    right = np.arange(60) % 10 < 7  # three of ten speakers are never understood
    got = training.speech_top1(right, tones, rng=np.random.default_rng(0))
    want = stats.cluster_bootstrap(right, tones.speakers, rng=np.random.default_rng(0))
    assert got == want
    assert got.n == 10
    clips = stats.proportion_interval(int(right.sum()), 60)
    assert got.high - got.low > clips.high - clips.low


def test_silence_belongs_to_nobody(tones):
    labels = tones.labels.clone()
    labels[[2, 12]] = keywords.SILENCE
    found = replace(tones, labels=labels).clusters()
    assert found[:4] == ["speaker 0", "speaker 1", "silence 2", "speaker 3"]
    assert found[12] == "silence 12"
    assert found[22] == "speaker 2"


@pytest.mark.gpu
def test_training_on_a_gpu(tones, examples):
    network = ds_cnn(width=0.125).to("cuda")
    history = list(training.train(network, tones, watch=examples, settings=QUICK))
    assert len(history) == 3
    assert training.logits(network, examples[0]).device.type == "cpu"
