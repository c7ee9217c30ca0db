"""A chip that listens: the same network in floats is the oracle; pictures, refusals, privacy."""

import dataclasses
import re

import numpy as np
import pytest
import torch

from course_utils import plots, widgets
from course_utils.records import Result
from labs.mcu_compression import (
    bench,
    checkpoint,
    detection,
    disagreement,
    hearing,
    quantization,
    sounds,
    speak,
    speak_pictures,
    streams,
)
from labs.mcu_compression.given import smooth
from labs.mcu_compression.integer.from_torch import integer_network
from labs.shared import keywords
from labs.shared.boards import BOARDS


@pytest.fixture(scope="module")
def clips():
    return keywords.load_clips("keywords_synthetic", "val")


@pytest.fixture(scope="module")
def network():
    calibration = keywords.load_clips("keywords_synthetic", "train").features()[:100]
    return quantization.quantize_network(checkpoint.load_checkpoint(), calibration, weight_bits=8)


@pytest.fixture(scope="module")
def deployed(network):
    return bench.deploy(integer_network(network, name="bundled"), "fast")


@pytest.fixture(scope="module")
def sound(clips):
    word = keywords.CLASSES.index("yes")
    return sounds.from_clip(clips, int((clips.labels == word).nonzero()[0, 0]))


@pytest.fixture(scope="module")
def heard(deployed, sound):
    return hearing.listen(deployed, sound, smooth=smooth)


def test_the_sound_stands_in_the_middle_of_a_hiss(sound):
    stream = hearing.stream_of(sound)
    assert stream.seconds == 3
    around = torch.cat([stream.samples[:16_000], stream.samples[32_000:]])
    assert float(around.std()) == pytest.approx(hearing.HISS, rel=0.02)
    assert torch.equal(stream.samples, hearing.stream_of(sound).samples)
    middle = stream.samples[16_000:32_000] - 0.9 * sound.samples / sound.samples.abs().max()
    assert float(middle.std()) == pytest.approx(hearing.HISS, rel=0.02)


def test_a_chip_gives_the_probabilities_of_its_network(deployed, network, clips):
    """The simulation in torch rounds as the chip does, but for single codes: 0.05 each."""
    features = clips.features()[:8]
    found = hearing.chip_posteriors(deployed, features)
    wanted = detection.posteriors(network, features)
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert (found.argmax(1) == wanted.argmax(1)).all()
    assert np.abs(found - wanted).max() < 0.05


def test_the_word_is_heard_once_while_it_is_in_view(heard):
    (found,) = heard.detections
    assert keywords.CLASSES[found.label] == "yes"
    assert 1.3 < found.time_s < 2.5
    assert len(heard.scores) == len(streams.features_of_stream(heard.stream)) == 21
    assert heard.said == f'The chip hears "yes" at {found.time_s:.1f} s'


def test_the_chip_keeps_up_and_says_so_as_an_interval(heard, deployed):
    codes = hearing.codes_of(deployed.source.network, heard.features[:1])[0]
    assert heard.instructions[0] <= deployed.profile(codes).instructions <= heard.instructions[1]
    assert 0 < heard.busy.low < heard.busy.high < 100
    assert heard.busy.kind == "modelled"
    assert re.search(r"busy [\d.]+ to [\d.]+ ms of every 100 ms", heard.load)
    slow = dataclasses.replace(heard, busy=Result(150, 90, 210, n=1, kind="modelled"))
    assert slow.load == "busy 90 to 210 ms of every 100 ms, so it may not keep up"
    slower = dataclasses.replace(heard, busy=Result(150, 110, 190, n=1, kind="modelled"))
    assert slower.load.endswith("so it cannot keep up")
    unknown = dataclasses.replace(heard, busy=None)
    assert unknown.load.endswith("instructions a window; cycles are not known")
    assert "chip hears" in speak_pictures.answers(unknown).alt


def test_a_board_with_another_core_is_refused(deployed, sound):
    with pytest.raises(ValueError, match=r"for m4, Raspberry Pi Pico .* has m0plus"):
        hearing.listen(deployed, sound, smooth=smooth, board=BOARDS["rp2040"])


def test_pictures_say_what_they_show(heard):
    picture = speak_pictures.answers(heard)
    assert 'hears "yes"' in picture.alt
    assert "Highest scores: yes at most 0." in picture.alt
    second = speak_pictures.second(heard.sound, title="t")
    assert "samples, log-mel bands and MFCCs" in second.alt


def test_without_a_front_end_two_pictures_stay_and_no_sound(deployed, sound, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda each, **_: shown.append(each), raising=True
    )
    assert not widgets.is_interactive()
    speak.Listener(deployed, sound, smooth)._ipython_display_()
    kinds = {kind for each in shown for kind in each._repr_mimebundle_()[0]}
    assert len(shown) == 2
    assert kinds == {"text/plain", "text/html", "image/png"}


def test_a_listener_takes_another_sound(deployed, sound):
    class Handle:
        def update(self, picture):
            updated.append(picture.alt)

    updated = []
    listener = speak.Listener(deployed, sound, smooth)
    listener._shown = [Handle(), Handle()]
    own = dataclasses.replace(sound, name="your recording", is_own=True)
    listener.hear(own)
    assert listener.sound is own
    assert len(updated) == 2


def test_the_line_between_two_networks_is_drawn(clips, network, deployed):
    """One clip, two levels of noise; a network of zeros parts from any other at once."""

    def zeros(features):
        scores = np.full((len(features), 12), 0.05)
        scores[:, 0] = 0.45
        return scores

    def chip(features):
        return hearing.chip_posteriors(deployed, features)

    word = int((clips.labels == keywords.CLASSES.index("yes")).nonzero()[0, 0])
    pair = clips.samples[word : word + 1], disagreement.noises(1, seed=0)
    (found,) = disagreement.smallest_disagreement(*pair, int8=chip, float32=zeros, shares=(0.1,))
    assert found.differed == 0
    curve = disagreement.curve_of(found, pair[0], noise=pair[1], int8=chip, float32=zeros, levels=3)
    axes = plots.new_figure(wide=True)[1]
    rows = speak_pictures.parting(axes, curve, title=str(found))
    assert [(row["word"], row["network"]) for row in rows] == [
        ("yes", "int8"),
        ("yes", "float32"),
        ("down", "int8"),
        ("down", "float32"),
    ]
    assert rows[3]["scores"] == [0.45] * 3
