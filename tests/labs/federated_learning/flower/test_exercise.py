"""The notebook's deployment: what was recorded, when it stands in, and what it tells."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import pytest

from course_utils import plots
from labs.engine.errors import ExtraMissingError
from labs.federated_learning.flower import exercise, pictures
from labs.federated_learning.flower.job import Job
from labs.federated_learning.given.deployment import count_answers, next_action, roll_back
from labs.federated_learning.local import Local

matplotlib.use("Agg")


@pytest.fixture
def deployed() -> exercise.Deployed:
    return exercise.recorded("a test")


def test_a_trial_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercise, "_deploy", lambda *_, **__: pytest.fail("started"))
    deployed = exercise.deploy(Job(), decide=next_action, wanted=True, rounds=9)
    assert "rounds is 9, below 10: no process is started" in deployed.origin
    assert not deployed.is_here


def test_what_is_not_wanted_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercise, "_deploy", lambda *_, **__: pytest.fail("started"))
    deployed = exercise.deploy(Job(), decide=next_action, wanted=False, rounds=30)
    assert "deploy is off: no process is started" in deployed.origin
    assert deployed.kind == "assumed"


def test_without_flower_the_record_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks() -> None:
        raise ExtraMissingError("needs flwr, not installed here")

    monkeypatch.setattr(exercise, "require", lacks)
    deployed = exercise.deploy(Job(), decide=next_action, wanted=True, rounds=10)
    assert deployed.origin.endswith("needs flwr, not installed here")
    assert deployed.origin.startswith("recorded on ")


def test_large_data_are_replaced() -> None:
    jobs = {
        name: exercise.job_of(name, partition="iid", alpha=1.0, seed=0, local=Local()).dataset
        for name in ("digits", "keywords_synthetic", "mnist", "speech_commands")
    }
    assert jobs["digits"] == jobs["mnist"] == jobs["speech_commands"] == "digits"
    assert jobs["keywords_synthetic"] == "keywords_synthetic"


def test_the_record_shows_a_death_and_a_return(deployed: exercise.Deployed) -> None:
    report = deployed.report
    assert report.recovery_s() is not None
    counts = {round_: count_answers(*asked) for round_, asked in report.asked().items()}
    assert counts[1] == {"good": 3, "failed": 0, "silent": 0}
    assert counts[2]["good"] == 2
    assert sorted(report.accuracies()) == [0, 1, 2, 3]
    refused = sum(what == "refused" for _, what in report.lives[1])
    assert refused >= 1
    assert report.wall_s < 240


def test_the_bad_round_is_rolled_back(deployed: exercise.Deployed) -> None:
    accuracies = deployed.accuracies()
    chosen = roll_back(accuracies, deployed.saved, 0.02)
    assert chosen == max(deployed.report.accuracies(), key=accuracies.__getitem__)
    assert "rounds dropped after it: 1" in deployed.roll_back(chosen)
    assert "new weights" in deployed.roll_back(None)
    with pytest.raises(ValueError, match="no weights of round 77"):
        deployed.roll_back(77)


def test_the_story_is_in_order(deployed: exercise.Deployed) -> None:
    told = deployed.story()
    assert [at_s for at_s, _ in told] == sorted(at_s for at_s, _ in told)
    assert told[-1][1] == "server: finished"
    assert any(what == "supervisor: node 1 is gone" for _, what in told)


def test_a_record_reads_as_it_was_written(deployed: exercise.Deployed, tmp_path: Path) -> None:
    path = tmp_path / "recorded.json"
    exercise.record(deployed, path=path)
    again = exercise.recorded("a test", path=path)
    assert replace(again, origin="") == replace(deployed, origin="")


def test_the_picture_covers_every_life(deployed: exercise.Deployed) -> None:
    _, axes = plots.new_figure(wide=True)
    rows = pictures.lives(axes, deployed.report, title="A title")
    for number in deployed.report.lives:
        own = [row for row in rows if row["node"] == number]
        assert own[0]["from_s"] == 0.0
        assert own[-1]["to_s"] == deployed.report.wall_s
        joins = pairwise(own)
        assert all(left["to_s"] == right["from_s"] for left, right in joins)
    assert {row["state"] for row in rows} == {"online", "started", "lost", "refused"}
    assert {text.get_text() for text in axes.texts} >= {"round 1", "round 2", "round 3"}
