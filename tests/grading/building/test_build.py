"""Building: determinism, kept outputs, and the traps that `course build --check` must spring."""

import hashlib
import json
import re

import nbformat
import pytest

from grading.building import build, reference
from grading.building.nbgrader_format import checksum
from grading.errors import DriftError, GradingError, SourceError


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _rewrite(path, change):
    notebook = _read(path)
    change(notebook)
    path.write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def _drift(toy):
    with pytest.raises(DriftError) as caught:
        build.check(toy.built())
    return str(caught.value)


def _hash_of_tree(root):
    return {p: hashlib.sha256(p.read_bytes()).digest() for p in root.rglob("*") if p.is_file()}


def test_an_executed_lab_passes(toy):
    build.check(toy.executed())


def test_two_builds_are_the_same_bytes(toy):
    first = toy.built()
    written = build.write(first)
    assert [path.name for path in written] == ["toy.ipynb", "reference.ipynb"]
    kept = [path.read_bytes() for path in written]
    for path in written:
        path.unlink()
    build.write(toy.built())
    assert [path.read_bytes() for path in written] == kept
    assert build.write(toy.built()) == []


def test_no_time_machine_or_position_but_the_cells_own(toy):
    toy.executed()
    for path in (toy.student, toy.reference):
        text = path.read_text()
        assert text.endswith("}\n")
        assert str(toy.root) not in text
        assert "course-build-" not in text
        assert not re.search(r"papermill|2026|injected|3\.11\.7", text)
        assert [cell["id"] for cell in _read(path)["cells"]] == [f"cell-{n:02d}" for n in range(10)]
        nbformat.validate(nbformat.read(path, as_version=4))


def test_the_student_notebook_has_stubs_and_no_outputs(toy):
    build.write(toy.built())
    notebook = _read(toy.student)
    text = toy.student.read_text()
    assert "SOLUTION" not in text
    assert "total += value" not in text
    assert "outlier" not in text
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert "".join(code[2]["source"]).endswith(
        "    # YOUR CODE HERE\n    raise NotImplementedError()"
    )


def test_every_stored_checksum_is_that_of_its_cell(toy):
    build.write(toy.built())
    for path in (toy.student, toy.reference):
        marked = [cell for cell in _read(path)["cells"] if "nbgrader" in cell["metadata"]]
        assert len(marked) == 3
        for cell in marked:
            nbgrader = cell["metadata"]["nbgrader"]
            text = "".join(cell["source"])
            assert nbgrader["checksum"] == checksum(text, cell["cell_type"], nbgrader=nbgrader)


def test_outputs_are_counted_from_one_and_without_paths(toy):
    toy.executed()
    code = [cell for cell in _read(toy.reference)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, 5]
    (shown,) = code[3]["outputs"]
    assert shown["execution_count"] == 4
    assert shown["metadata"] == {}
    assert shown["data"]["text/html"] == ["<p>in .../reference.ipynb</p>"]
    assert list(code[0]["metadata"]) == ["tags"]


def test_a_rebuild_keeps_outputs_and_changes_nothing(toy):
    toy.executed()
    before = toy.reference.read_bytes()
    assert build.write(toy.built()) == []
    assert toy.reference.read_bytes() == before


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("source", "total += value", "total = total + value"),
        ("folder/checks.py", "drawn(", "drawn_again("),
        ("folder/given.py", "", "x = 1\n"),
        ("folder/core/kernel.c", "", "int x;\n"),
        ("folder/lab.toml", "[presets.smoke]", "[presets.default]\nseed = 3\n\n[presets.smoke]"),
    ],
)
def test_outputs_are_dropped_when_what_made_them_changes(toy, path, old, new):
    toy.executed()
    target = toy.source if path == "source" else toy.folder / path.removeprefix("folder/")
    if old:
        toy.edit(target, old, new)
    else:
        target.parent.mkdir(exist_ok=True)
        target.write_text(new)
    assert "must be executed" in _drift(toy)
    assert toy.reference in build.write(toy.built())
    assert all(not c.get("outputs") for c in _read(toy.reference)["cells"])
    assert "was never executed and must be executed" in _drift(toy)


@pytest.mark.parametrize("name", ["README.md", "__pycache__/checks.py", ".hidden.py"])
def test_outputs_outlive_what_does_not_make_them(toy, name):
    toy.executed()
    path = toy.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 2\n")
    build.check(toy.built())


def test_a_reference_that_was_never_executed_fails(toy):
    build.write(toy.built())
    said = _drift(toy)
    assert "reference.ipynb: was never executed" in said
    assert "to repair it: course build toy --execute" in said


def test_text_may_change_without_an_execution(toy):
    toy.executed()
    outputs = [cell.get("outputs") for cell in _read(toy.reference)["cells"]]
    toy.edit(toy.source, "It takes no time at all", "It takes hardly any time")
    assert _drift(toy).endswith("to repair it: course build toy")
    assert toy.reference in build.write(toy.built())
    assert [cell.get("outputs") for cell in _read(toy.reference)["cells"]] == outputs
    build.check(toy.built())


def _lacks_a_cell(path):
    _rewrite(path, lambda notebook: notebook["cells"].pop(1))


def _is_no_notebook(path):
    path.write_text('{"cells": 3}')


@pytest.mark.parametrize("damage", [_lacks_a_cell, _is_no_notebook])
@pytest.mark.parametrize("kind", ["student", "reference"])
def test_the_remedy_that_the_check_names_is_the_one_that_works(toy, kind, damage):
    toy.executed()
    damage(getattr(toy, kind))
    remedy = _drift(toy).rpartition("\n")[2]
    build.write(toy.built())
    if kind == "student":
        assert remedy == "to repair it: course build toy"
        build.check(toy.built())
    else:
        assert remedy == "to repair it: course build toy --execute"
        assert "was never executed" in _drift(toy)


def test_a_missing_execution_count_fails(toy):
    toy.executed()
    _rewrite(toy.reference, lambda notebook: notebook["cells"][7].update(execution_count=None))
    assert "reference.ipynb: cell-07 has no execution count" in _drift(toy)


def test_an_error_output_fails(toy):
    toy.executed()
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
    _rewrite(toy.reference, lambda notebook: notebook["cells"][7]["outputs"].append(error))
    assert "reference.ipynb: cell-07 raised ValueError: no" in _drift(toy)


@pytest.mark.parametrize("name", ["student", "reference"])
def test_a_drifted_notebook_fails(toy, name):
    toy.executed()
    path = getattr(toy, name)

    def change(notebook):
        notebook["cells"][4]["source"][0] = "# Exercise 9.9\n"
        notebook["cells"][5]["metadata"]["nbgrader"]["points"] = 400
        notebook["metadata"]["kernelspec"]["name"] = "python4"

    _rewrite(path, change)
    said = _drift(toy)
    stored = toy.course.shown(path)
    assert f"{stored}: metadata is not what the source gives" in said
    assert f"{stored}: cell-04: line 1 is '# Exercise 9.9', the source gives '# Exer" in said
    assert f"{stored}: cell-05: metadata not as the source gives" in said
    before = _hash_of_tree(toy.root)
    with pytest.raises(DriftError):
        build.check(toy.built())
    assert _hash_of_tree(toy.root) == before


def test_outputs_in_the_student_notebook_are_drift(toy):
    toy.executed()
    stream = {"output_type": "stream", "name": "stdout", "text": ["x"]}
    _rewrite(toy.student, lambda notebook: notebook["cells"][7]["outputs"].append(stream))
    assert "toy.ipynb: cell-07: outputs not as the source gives" in _drift(toy)


def test_missing_added_and_reformatted_cells_are_drift(toy):
    toy.executed()
    _rewrite(toy.reference, lambda notebook: notebook["cells"].pop())
    assert "reference.ipynb: 9 cells, the source gives 10" in _drift(toy)
    toy.executed()
    toy.student.write_text(json.dumps(_read(toy.student)))
    assert "toy.ipynb says the same as its source, but was saved" in _drift(toy)
    toy.student.write_text("{")
    assert "toy.ipynb is no notebook" in _drift(toy)
    toy.student.unlink()
    toy.reference.unlink()
    assert "toy.ipynb is missing\n" in _drift(toy)


def test_check_executes_nothing(toy):
    toy.executed()
    for path in (toy.folder / "checks.py", toy.answers / "hidden.py"):
        path.write_text(path.read_text() + '\nraise RuntimeError("imported")\n')
    assert "its outputs are of another source or other modules" in _drift(toy)


def test_the_reference_must_earn_all_points_without_stderr(toy):
    toy.executed()

    def change(notebook):
        outputs = notebook["cells"][5]["outputs"]
        outputs[0]["data"]["text/plain"] = ["3.5"]
        outputs.append({"output_type": "stream", "name": "stderr", "text": ["careful"]})

    _rewrite(toy.reference, change)
    said = _drift(toy)
    assert "cell-05 gives the reference ['3.5'], not all 4 points" in said
    assert "cell-05 writes to stderr" in said


def test_a_failed_execution_stores_nothing(toy):
    built = toy.executed()
    before = toy.reference.read_bytes()
    error = {"cell": 3, "source": "x", "name": "ValueError", "message": "no"}
    failed = {"status": "failed", "provenance": {"error": error}}

    def fail(*args, **options):
        toy.run(*args, **options)
        return failed

    with pytest.raises(GradingError, match="did not run to its end: in cell 3, 'x': ValueError"):
        build.execute(built, fail)
    toy.edit(toy.source, "(4 points, ", "(5 points, ")
    toy.edit(toy.folder / "lab.toml", "points = 4", "points = 5")
    with pytest.raises(GradingError, match=r"not all 5 points; not stored"):
        build.execute(toy.built(), toy.run)
    assert toy.reference.read_bytes() == before


def test_an_execution_of_other_cells_is_refused(toy):
    built = toy.built()
    cells = built.reference["cells"]
    other = {"cells": [cell for cell in cells if cell["cell_type"] != "code"]}
    with pytest.raises(GradingError, match="does not have the cells of the reference"):
        reference.with_outputs_of(other, built.reference, digest="0" * 64)


def test_nothing_is_written_from_a_source_that_is_wrong(toy):
    toy.edit(toy.source, "(4 points, ", "(5 points, ")
    before = _hash_of_tree(toy.root)
    with pytest.raises(SourceError):
        build.write(toy.built())
    assert _hash_of_tree(toy.root) == before
