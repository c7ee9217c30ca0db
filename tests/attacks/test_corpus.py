"""The corpus itself: every class is tried, every entry is whole, and the page says the same."""

import re

import attack_edits
import attack_table
import pytest
from attack_corpus import AIMS, HERE, read_corpus

CORPUS = read_corpus()
PEERS = attack_table.read_peers()


def test_every_class_is_tried():
    classes = [*map(str, range(1, 45)), *(f"A{number:02}" for number in range(1, 23))]
    assert [name for name in classes if name not in PEERS] == []
    counts = attack_table.tried()
    untried = [name for name in PEERS if not counts[name] and name not in attack_table.ELSEWHERE]
    assert untried == []


def test_tests_that_cover_a_class_exist():
    named = {name for names in attack_table.ELSEWHERE.values() for name in names}
    assert [name for name in named if not (HERE / name).exists()] == []


@pytest.mark.parametrize("attack", CORPUS.values(), ids=lambda attack: attack.id)
def test_an_entry_is_whole(attack):
    assert attack.aim in AIMS
    assert attack.payload.strip() or attack.edit
    assert hasattr(attack_edits, attack.edit or "Desk")
    assert [name for name in attack.classes if name not in PEERS] == []
    assert attack.name
    assert bool(attack.needle) == (attack.aim == "inject")
    words = re.findall(r"@([A-Z_]+)@", attack.payload + attack.extra)
    known = "SECRET TOKEN_REVERSED VICTIM DROP MARK ACHIEVED_REVERSED SOCKET ABSTRACT MANY MIB KEY "
    known += "FOLDER HIDDEN COURSE_SECRET DB OTHER HOME GIVEN LIBRARY PORT UDP INBOUND"
    assert set(words) <= set(known.split())


def test_payloads_are_python_where_they_mean_to_be():
    for attack in CORPUS.values():
        text = re.sub(r"@[A-Z_]+@", "word", attack.payload)
        compile(text, attack.id, "exec", flags=0)


def test_the_page_has_the_table():
    page = attack_table.PAGE.read_text(encoding="utf-8")
    assert attack_table.replaced(page) == page, "python tests/attacks/attack_table.py rewrites it"


def test_the_table_follows_the_corpus(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{attack_table.BEGIN}\nold\n{attack_table.END}\nafter\n")
    attack_table.main(page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert len(re.findall(r"^\| ", text, re.MULTILINE)) == len(PEERS) + 1
