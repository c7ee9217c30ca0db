"""The study of speakers in small: synthetic keywords, a few rounds."""

import numpy as np
import pytest

from course_utils import records, stats
from labs.engine import runner
from labs.engine.catalog import find_lab
from labs.engine.parameters import read_parameters
from labs.engine.sweeps import studies
from labs.federated_learning import loop, speakers
from labs.federated_learning.local import Local
from labs.shared import keywords

SHORT = loop.Setting(rounds=2, fraction=0.04, local=Local(batch=8))


@pytest.fixture(scope="module")
def study() -> speakers.Study:
    return speakers.study("keywords_synthetic", seeds=(3, 4), setting=SHORT)


def test_both_take_the_same_steps_and_answer_the_same_clips(study):
    clips = keywords.load_clips("keywords_synthetic", "test")
    assert [pair.seed for pair in study.pairs] == [3, 4]
    for pair in study.pairs:
        assert pair.steps > 0
        assert len(pair.federated) == len(pair.central) == len(clips) == len(study.owners)
        assert pair.bytes_up == pair.bytes_down > 0


def test_a_gap_is_paired_and_draws_speakers(study):
    first = study.pairs[0]
    want = stats.paired_difference(
        first.federated.astype(float),
        first.central.astype(float),
        rng=np.random.default_rng(0),
        clusters=study.owners,
    )
    assert study.gap(first) == want.result()
    results = study.results()
    assert results["top1_gap"].n == len(set(study.owners))
    assert results["top1_gap_over_seeds"].n == 2
    gaps = [study.gap(pair).value for pair in study.pairs]
    for name in ("top1_gap", "top1_gap_over_seeds"):
        assert results[name].value == pytest.approx(np.mean(gaps))
    difference = results["top1_federated"].value - results["top1_central"].value
    assert results["top1_gap"].value == pytest.approx(difference)


def test_a_seed_decides_everything(study):
    again = speakers.study("keywords_synthetic", seeds=(3,), setting=SHORT).pairs[0]
    first = study.pairs[0]
    assert (again.steps, again.bytes_up) == (first.steps, first.bytes_up)
    assert np.array_equal(again.federated, first.federated)
    assert np.array_equal(again.central, first.central)


def test_an_unreached_target_is_no_number_and_a_reached_one_is_paid_in_full():
    def pair(rounds):
        right = np.array([True, False] * 5)
        return speakers.Pair(0, 1, right, right, rounds, 10, 20)

    owners = [f"speaker {i}" for i in range(10)]
    assert "rounds_to_target" not in speakers.Study([pair(None), pair(1.5)], owners).results()
    found = speakers.Study([pair(0.5), pair(1.5)], owners).results()
    assert (found["rounds_to_target"].value, found["bytes_down"].value) == (1, 20)


def test_other_data_and_no_seed_are_refused():
    with pytest.raises(ValueError, match="'digits' with 3 seeds; give one of keywords_synthetic"):
        speakers.study("digits")
    with pytest.raises(ValueError, match="0 seeds"):
        speakers.study(seeds=())


def test_the_notebook_begins_with_the_setting_of_the_study():
    lab = find_lab("federated_learning")
    notebook = studies.find_study(lab, "speakers").notebook
    value = {name: each.default for name, each in read_parameters(notebook).items()}
    assert value["central_rate"] == speakers.CENTRAL_RATE
    assert (
        loop.Setting(
            rounds=value["rounds"],
            fraction=value["fraction"],
            local=Local(
                value["local_epochs"], batch=value["batch"], learning_rate=value["learning_rate"]
            ),
            seed=value["seed"],
            decay=value["last_rate"] ** (1 / value["rounds"]),
        )
        == speakers.SETTING
    )


@pytest.mark.notebook
def test_the_notebook_hands_over_what_the_study_is_about(study):
    """The same seed and setting as the first pair."""
    lab = find_lab("federated_learning")
    found = studies.find_study(lab, "speakers")
    changed = {"dataset": "keywords_synthetic", "rounds": 2, "fraction": 0.04, "seed": 3}
    rates = {"learning_rate": SHORT.local.learning_rate, "last_rate": 1.0}
    record = runner.run(found.notebook, changed | rates, lab=studies.studied(lab, found))
    assert record["status"] == "ok", record["provenance"]
    assert list(record["results"]) == list(found.results)
    assert record["provenance"]["data"] == ["keywords_synthetic"]
    assert lab.package in record["provenance"]["modules_sha256"]
    gap = records.result_from_json("top1_gap", record["results"]["top1_gap"])
    assert gap == study.gap(study.pairs[0])
