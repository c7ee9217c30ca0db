"""The table of docs/security.md: ours, nbgrader and otter for each class of attack.

``python tests/attacks/attack_table.py`` writes it anew from the corpus and peers.toml; a test
compares. Ours is "held" for a class if there are attacks of it in the corpus or another test of
this folder, all of which must hold for the tests to pass.
"""

import tomllib
from collections import Counter
from pathlib import Path

from attack_archives import ARCHIVES
from attack_corpus import HERE, read_corpus

PAGE = HERE.parents[1] / "docs" / "security.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
# Classes that other tests of this folder cover, beside the corpus.
ELSEWHERE = {
    "20": ("test_ours.py",),
    "21": ("test_archives.py",),
    "41": ("test_ours.py", "test_archives.py"),
    "32": ("test_kernel.py",),
    "30": ("test_exchange.py",),
    "35": ("test_exchange.py",),
    "36": ("test_exchange.py",),
}
HEAD = """\
| class | attack | ours | nbgrader 0.9.6 | otter 7.0.0 |
|---|---|---|---|---|
"""


def read_peers() -> dict[str, dict[str, str]]:
    """Return the classes, and what came of them at other graders."""
    return tomllib.loads((HERE / "peers.toml").read_text(encoding="utf-8"))


def tried() -> Counter[str]:
    """Return how many attacks there are of each class."""
    counts = Counter(name for attack in read_corpus().values() for name in attack.classes)
    counts.update(name for classes, _ in ARCHIVES.values() for name in classes)
    return counts


def table() -> str:
    """Return the table as Markdown."""
    counts = tried()
    lines = []
    for name, peer in read_peers().items():
        ours = "held" if counts[name] or name in ELSEWHERE else "not tried"
        theirs = [peer.get(grader, "-") for grader in ("nbgrader", "otter")]
        lines.append(f"| {name} | {peer['what']} | {ours} | {' | '.join(theirs)} |\n")
    return HEAD + "".join(lines)


def replaced(page: str) -> str:
    """Return the page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}{END}{after}"


def main(page: Path = PAGE) -> None:
    """Write the table into the page."""
    page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
