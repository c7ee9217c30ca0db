"""What is shown and covered: a small model of mounts decides whether a path can be seen."""

import os
import sys
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labs.engine.sandbox import view

NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)


def is_seen(steps: list[view.Step], path: str) -> bool:
    """Whether a host's path shows its own content after the mounts: the last one above decides."""
    seen = False
    for step in steps:
        if Path(path).is_relative_to(step.path):
            seen = step.is_shown
    return seen


def order(path: str, *, wanted: list[str], cover: list[str]) -> bool:
    """What was asked for: the closest of the named folders decides; a cover wins over the same."""
    for folder in (path, *map(str, Path(path).parents)):
        if folder in cover:
            return False
        if folder in wanted:
            return True
    return False


@given(st.lists(NAMES, max_size=5), st.lists(NAMES, max_size=2))
def test_exactly_what_is_wanted_and_not_covered_is_seen(
    wanted: list[str], cover: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = os.path.realpath(name)
        for path in [*wanted, *cover]:
            Path(base, path).mkdir(parents=True, exist_ok=True)
        shown, covered = ([f"{base}/{p}" for p in paths] for paths in (wanted, cover))
        steps, links = view.plan(shown, cover=covered)
        assert links == []
        assert len({step.path for step in steps}) == len(steps)
        for folder, _, _ in os.walk(base):
            expected = order(folder, wanted=shown, cover=covered)
            assert is_seen(steps, folder) == expected, folder


def test_a_link_leads_to_what_is_shown(tmp_path: Path) -> None:
    real, link = tmp_path / "lib" / "real", tmp_path / "link"
    real.mkdir(parents=True)
    link.symlink_to(real)
    steps, links = view.plan([str(link)], cover=[])
    assert steps == [view.Step(os.path.realpath(real), is_shown=True)]
    assert links == [(str(link), "lib/real")]


def test_what_does_not_exist_is_left_out(tmp_path: Path) -> None:
    assert view.plan([str(tmp_path / "no")], cover=[]) == ([], [])


def test_the_project_is_covered_where_a_prefix_would_show_it(tmp_path: Path) -> None:
    prefix, project = tmp_path / "env", tmp_path / "env" / "course"
    (project / "labs").mkdir(parents=True)
    steps, _ = view.plan([str(prefix), str(project / "labs")], cover=[str(project)])
    assert not is_seen(steps, str(project / "grading"))
    assert is_seen(steps, str(project / "labs"))
    assert is_seen(steps, str(prefix / "bin"))


def test_of_an_environment_only_its_parts_are_shown(tmp_path: Path, monkeypatch) -> None:
    """Who made it in the folder of the course has the submissions and grades beside them."""
    (tmp_path / "pyvenv.cfg").touch()
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    steps, _ = view.plan(view.python_paths(), cover=[])
    assert is_seen(steps, os.path.realpath(tmp_path / "lib"))
    assert not is_seen(steps, os.path.realpath(tmp_path / "grades"))


def test_compiled_forms_are_hidden_with_their_source(tmp_path: Path) -> None:
    base = Path(os.path.realpath(tmp_path))
    assert view.hidden_paths([str(tmp_path / "a.py"), str(tmp_path / "b.py")]) == [
        str(base / "a.py"),
        str(base / "__pycache__"),
        str(base / "b.py"),
    ]
    assert view.hidden_paths([str(tmp_path / "folder")]) == [str(base / "folder")]


def test_the_grader_is_never_part_of_the_view() -> None:
    steps = view.view().steps
    for name in ("grading", "tests", "course.toml", ".git", "pyproject.toml"):
        path = str(view.PROJECT / name)
        if (view.PROJECT / "pyproject.toml").exists():
            assert not is_seen(list(steps), path)
    assert is_seen(list(steps), str(view.PROJECT / "labs"))
