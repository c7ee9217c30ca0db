"""Every attack against ours: it gains nothing, reads nothing, outlives nothing, stops nobody.

All are graded by one ``course grade``, each a submission with one exercise attacked and the other
one right: exactly the points of the right one come out. The same payloads are shown to work without
walls in test_naive.py.
"""

import json
import sys
import tempfile
from pathlib import Path

import pytest
from attack_batch import HONEST, Batch, other_points
from attack_corpus import read_corpus

from labs.engine.sandbox.confine import walls_missing

CORPUS = read_corpus()
POINTS = 4.0
TIMEOUT_S = 1500

pytestmark = [
    pytest.mark.xdist_group("attacks"),
    pytest.mark.skipif(sys.platform != "linux", reason="the payloads are for Linux"),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]


@pytest.fixture(scope="module")
def batch():
    """All attacks, graded; not below /tmp, which walls replace whatever else they do."""
    base = "/var/tmp" if Path("/var/tmp").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="dcy", dir=base) as folder:
        Path(folder).chmod(0o755)
        made = Batch(Path(folder), CORPUS)
        made.run(timeout_s=TIMEOUT_S)
        yield made


def test_the_grading_ends_well(batch):
    assert batch.code == 0, batch.said[-3000:]
    assert "Traceback" not in batch.said
    assert set(batch.rows) == {*CORPUS, *HONEST}


@pytest.mark.parametrize("attack", CORPUS.values(), ids=lambda attack: attack.id)
def test_it_reaches_nothing(batch, attack):
    assert batch.found[attack.id] == []


@pytest.mark.parametrize("attack", CORPUS.values(), ids=lambda attack: attack.id)
def test_what_was_right_keeps_its_points(batch, attack):
    """One that spoils its own process, or its own file, may lose more; none loses less."""
    row = batch.rows[attack.id]
    points = other_points(attack, row)
    assert points <= POINTS if attack.spoils else points == POINTS, row


def test_honest_submissions_get_what_they_get_alone(batch):
    for name in HONEST:
        assert (batch.rows[name]["0.1"], batch.rows[name]["0.2"]) == ("4", "4"), batch.rows[name]


def test_pages_hold_no_script_and_tables_no_formula(batch):
    for path, text in batch.texts.items():
        if path.endswith(".html"):
            assert "<script" not in text.lower(), path
            assert "Content-Security-Policy" in text, path
    for row in batch.rows.values():
        assert [cell for cell in row.values() if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []


def test_nothing_is_large(batch):
    """No submission makes the grader write much: a picture or two, and capped texts."""
    sizes = {path: len(text) for path, text in batch.texts.items()}
    assert sum(sizes.values()) < 200_000 * len(CORPUS), json.dumps(sizes)
