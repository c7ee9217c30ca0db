"""The tally: correct solutions, mistakes and mutants of the toy lab, and each way to fail it."""

from pathlib import Path

import pytest

from grading.building import variants
from grading.building.trials import Bench, Trial
from grading.errors import SourceError


def _tally(toy):
    (found,) = variants.tally(toy.built())
    return found


def test_the_toy_lab_is_fair(toy):
    found = _tally(toy)
    assert found.problems == []
    assert (found.correct, found.mistakes) == (3, 5)
    assert found.killed == found.mutants > 8
    assert found.equivalent == 1
    assert found.line().endswith("mutants killed (1 equivalent)")


def test_a_weak_check_lets_mutants_survive_and_mistakes_pass(toy):
    toy.edit(
        toy.folder / "checks.py",
        'assert_equal(student.clipped_sum([1, 5, 2], 3), 6, what="the clipped sum of 1, 5, 2")',
        "student.clipped_sum([1, 5, 2], 3)",
    )
    toy.edit(toy.folder / "checks.py", "want = sum", "return; want = sum")
    hidden = toy.answers / "hidden.py"
    toy.edit(
        hidden,
        '    assert_equal(student.clipped_sum([8, 9], 3), 6, what="the clipped sum of 8, 9")',
        "    pass",
    )
    found = _tally(toy)
    assert found.killed < found.mutants
    assert "no check notices the mutant: value = limit => pass" in found.problems
    assert "9.1/mistake_no_clip.py is a mistake and scores full" in found.problems
    assert any("mistakes that lose points in" in text for text in found.problems)


def test_too_few_variants_are_a_problem(toy):
    (toy.answers / "variants" / "9.1" / "correct_min.py").unlink()
    (toy.answers / "variants" / "9.1" / "mistake_max.py").unlink()
    texts = "\n".join(_tally(toy).problems)
    assert "2 correct solutions that score full" in texts
    assert "4 mistakes that lose points" in texts


def test_a_correct_solution_that_loses_points_is_named(toy):
    path = toy.answers / "variants" / "9.1" / "correct_min.py"
    path.write_text("def clipped_sum(values, limit):\n    return sum(values)\n")
    (problem, *_) = _tally(toy).problems
    assert problem.startswith("9.1/correct_min.py is correct and loses points: 25%")


def test_a_mistake_needs_its_message(toy):
    path = toy.answers / "variants" / "9.1" / "mistake_max.py"
    toy.edit(path, "# message: the clipped sum of", "# message: you took the maximum")
    (problem, *_) = _tally(toy).problems
    assert "loses points without the message 'you took the maximum'" in problem
    path.write_text("def clipped_sum(values, limit):\n    return 0\n")
    with pytest.raises(SourceError, match=r"mistake_max.py:1: a mistake begins with '# message: "):
        _tally(toy)


def test_equivalent_mutants_must_exist_survive_and_have_a_reason(toy):
    path = toy.answers / "variants" / "equivalent.toml"
    path.write_text(
        '["9.1"]\n"if value > limit: => if value >= limit:" = "same"\n'
        '"total = 0 => total = 1" = "wrong"\n"gone => pass" = "stale"\n'
    )
    problems = _tally(toy).problems
    assert problems == [
        "equivalent.toml lists a mutant that loses points: total = 0 => total = 1",
        "equivalent.toml lists a mutant that there is not: gone => pass",
    ]
    path.write_text('["9.1"]\n"a => b" = ""\n')
    with pytest.raises(SourceError, match="needs a reason"):
        _tally(toy)
    path.write_text('["9.2"]\n"a => b" = "text has no mutants"\n')
    with pytest.raises(SourceError, match="no code exercise here"):
        _tally(toy)


def test_endless_and_crashing_solutions_cost_a_restart_only(toy, monkeypatch):
    monkeypatch.setattr(variants, "VARIANT_LIMIT_S", 3.0)
    folder = toy.answers / "variants" / "9.1"
    (folder / "mistake_max.py").write_text(
        "# message: takes longer than 3 s\n"
        "def clipped_sum(values, limit):\n    while True:\n        pass\n"
    )
    (folder / "mistake_first.py").write_text(
        "# message: ends the process\n"
        "def clipped_sum(values, limit):\n    import os\n    os._exit(0)\n"
    )
    (folder / "mistake_prints.py").write_text(
        "# message: SystemExit\nimport sys\ndef clipped_sum(values, limit):\n    sys.exit(3)\n"
    )
    found = _tally(toy)
    assert found.problems == []
    assert found.mistakes == 5


def test_setup_holds_imports_and_literals_and_no_answers(toy):
    setup = variants.setup_code(toy.built().source, "9.1")
    assert setup.splitlines() == [
        "seed = 0",
        "scale = 2.5",
        "import math",
        "from labs.engine.notebook import show_check",
        "LIMIT = 3",
    ]


def test_checks_that_do_not_load_are_named(tmp_path: Path):
    path = tmp_path / "checks.py"
    path.write_text("import a_module_that_is_not_there\n")
    with pytest.raises(SourceError, match="a_module_that_is_not_there"), Bench([path]):
        pass


def test_a_solution_that_ends_the_process_leaves_a_working_bench(toy):
    with Bench([toy.folder / "checks.py"]) as bench:
        dead = Trial("9.1", "", "import os\nos._exit(1)")
        assert bench.run(dead, limit_s=30).messages == ("ends the process it runs in",)
        broken = bench.run(Trial("9.1", "", "def f(:"), limit_s=30)
        assert "SyntaxError" in broken.messages[0]
        stub = "def clipped_sum(values, limit):\n    raise NotImplementedError()"
        assert bench.run(Trial("9.1", "", stub), limit_s=30).messages == ("not attempted",)
        right = "def clipped_sum(values, limit):\n    return sum(min(v, limit) for v in values)"
        assert bench.run(Trial("9.1", "", right, seeds=3), limit_s=30).lowest == 1
