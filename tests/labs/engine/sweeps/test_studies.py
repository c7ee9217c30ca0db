"""Studies: those of the labs, what a file may hold, and figures for a sweep without one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from course_utils.records import counted
from labs.engine.catalog import Lab, find_lab, find_labs, read_lab
from labs.engine.errors import LabFormatError, UsageError
from labs.engine.parameters import read_notebook
from labs.engine.runner import plan_run
from labs.engine.sweeps import identity, studies
from labs.engine.sweeps.design import Request, design_sweep
from labs.engine.sweeps.settings import Values, grid
from labs.engine.sweeps.studies import Figure
from labs.engine.sweeps.table import Summary

LAB_TOML = """\
number = 9
title = "Toy"
summary = "A toy."
minutes = 1
hardware = "Any."
[presets.smoke]
epochs = 1
[results]
top1 = "How much is right."
size_bytes = "How large it is."
loss = "What is lost."
"""
HEAD = """\
[studies.bits]
title = "Bits"
sentence = "What bits cost."
results = ["top1", "size_bytes"]
"""
GRID = """\
[studies.bits.grid]
bits = [2, 4]
width = [1.0, 2]
"""
FIGURE = """\
[[studies.bits.figures]]
y = "top1"
x = "bits"
by = "width"
title = "Right against bits"
"""
FULL = HEAD + 'preset = "smoke"\nseeds = 3\n' + GRID + "[studies.bits.fixed]\nepochs = 2\n" + FIGURE


def write_notebook(path: Path, parameters: str) -> None:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": parameters}
    path.write_text(json.dumps({"nbformat": 4, "cells": [cell]}), encoding="utf-8")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "lab.toml").write_text(LAB_TOML, encoding="utf-8")
    write_notebook(folder / "toy.ipynb", "bits = 8\nwidth = 1.0\nepochs = 3\nseed = 5\nname = 'a'")
    write_notebook(folder / "other.ipynb", "rounds = 8\nseed = 0")
    write_notebook(folder / "seedless.ipynb", "rounds = 8")
    return read_lab(folder)


def write(lab: Lab, text: str) -> Lab:
    (lab.folder / studies.STUDIES_FILE).write_text(text, encoding="utf-8")
    return lab


@pytest.mark.parametrize("lab", find_labs(), ids=lambda lab: lab.name)
def test_every_lab_has_studies_whose_runs_can_be_planned(lab: Lab) -> None:
    """Reading checks every parameter, result and figure."""
    found = studies.read_studies(lab)
    assert found
    for study in found.values():
        assert study.figures
        plan = plan_run(
            study.notebook or lab.notebook,
            study.fixed,
            lab=studies.studied(lab, study),
            preset=study.preset,
        )
        origin = identity.origin_of(plan, threads=1)
        assert lab.package in origin.modules
        names = {
            origin.run_id({**plan.parameters, **setting, "seed": seed})
            for setting in grid(study.axes)
            for seed in range(study.seeds)
        }
        assert len(names) == len(grid(study.axes)) * study.seeds


def test_notebooks_of_studies_hold_no_outputs() -> None:
    paths = [path for lab in find_labs() for path in studies.notebooks(lab)[1:]]
    assert paths
    for path in paths:
        assert not [cell for cell in read_notebook(path)["cells"] if cell.get("outputs")]


def test_a_study_is_read_with_the_types_of_the_parameters(lab: Lab) -> None:
    study = studies.find_study(write(lab, FULL), "bits")
    assert study == studies.Study(
        name="bits",
        title="Bits",
        sentence="What bits cost.",
        preset="smoke",
        notebook=None,
        axes=(Values("bits", (2, 4)), Values("width", (1.0, 2.0))),
        fixed={"epochs": 2},
        seeds=3,
        results=("top1", "size_bytes"),
        figures=(Figure("top1", "bits", "width", "Right against bits", "lines"),),
    )
    assert studies.studied(lab, study) is lab
    assert studies.notebooks(lab) == (lab.notebook,)


def test_what_is_left_out_has_a_default(lab: Lab) -> None:
    study = studies.find_study(write(lab, HEAD), "bits")
    assert (study.preset, study.notebook, study.seeds) == ("default", None, 1)
    assert (study.axes, study.fixed, study.figures) == ((), {}, ())


def test_a_lab_without_the_file_has_no_study(lab: Lab) -> None:
    assert studies.read_studies(lab) == {}
    assert studies.notebooks(lab) == (lab.notebook,)
    with pytest.raises(UsageError, match=r"lab toy has no study 'bits' \(studies: none\)"):
        studies.find_study(lab, "bits")


def test_a_misspelt_study_is_guessed(lab: Lab) -> None:
    with pytest.raises(UsageError, match=r"no study 'bist'; did you mean 'bits'\? \(studies: bits"):
        studies.find_study(write(lab, FULL), "bist")


def test_a_notebook_of_its_own_has_its_parameters_and_hands_over_the_results(lab: Lab) -> None:
    text = HEAD + 'notebook = "other.ipynb"\n[studies.bits.grid]\nrounds = [1, 2]\n'
    study = studies.find_study(write(lab, text), "bits")
    assert study.notebook == lab.folder / "other.ipynb"
    assert studies.notebooks(lab) == (lab.notebook, study.notebook)
    seen = studies.studied(lab, study)
    assert list(seen.results) == ["top1", "size_bytes"]
    assert seen == replace(lab, results=seen.results, presets={"default": {}})
    plan = plan_run(study.notebook, lab=seen, preset=study.preset)
    assert plan.name == "toy"
    with pytest.raises(UsageError, match="no preset 'smoke'"):
        plan_run(study.notebook, lab=seen, preset="smoke")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[studies", "is no TOML"),
        ("[study.bits]", "study: unknown key; did you mean 'studies'?"),
        ("studies = 3", "studies: 3 is not a table"),
        ("[studies]\nbits = 3", "studies.bits: 3 is not a table"),
        (HEAD + "tilte = 'a'", "studies.bits.tilte: unknown key; did you mean 'title'?"),
        ("[studies.bits]\ntitle = 'a'", "studies.bits.results: is missing; give a list"),
        (HEAD.replace('"Bits"', "3"), "studies.bits.title: 3 is not one line"),
        (HEAD.replace('"top1"', '"top2"'), "results: 'top2' is no result of lab toy; did you mean"),
        (HEAD.replace('["top1", "size_bytes"]', "[]"), "results: [] is not a list"),
        (HEAD + "seeds = 0", "seeds: 0 is not a whole number >= 1"),
        (HEAD + "seeds = true", "seeds: True is not"),
        (HEAD + "preset = 'smoek'", "preset: 'smoek' is no preset of this notebook; did you mean"),
        (HEAD + "notebook = 'none.ipynb'", "'none.ipynb' is no notebook in the lab's folder"),
        (HEAD + "notebook = '../toy/toy.ipynb'", "is no notebook in the lab's folder"),
        (HEAD + "notebook = 'seedless.ipynb'", "seedless.ipynb has no parameter seed"),
        (HEAD + "notebook = 'other.ipynb'\npreset = 'smoke'", "preset: 'smoke' is no preset of"),
        (HEAD + "[studies.bits.grid]\nbist = [1]", "grid.bist: no parameter 'bist'; did you mean"),
        (HEAD + "[studies.bits.grid]\nbits = 2", "grid.bits: 2 is not a list of values"),
        (HEAD + "[studies.bits.grid]\nbits = []", "grid.bits: axis bits has no value"),
        (HEAD + "[studies.bits.grid]\nbits = [2, 2]", "grid.bits: axis bits has 2 twice"),
        (HEAD + "[studies.bits.grid]\nbits = [2.5]", "grid.bits: parameter bits = 2.5 is not of"),
        (HEAD + "[studies.bits.grid]\nseed = [1]", "grid.seed: say how many with"),
        (HEAD + "[studies.bits.fixed]\nseed = 1", "fixed.seed: say how many with"),
        (HEAD + "[studies.bits.fixed]\nepochs = 'x'", "fixed.epochs: parameter epochs = 'x' is"),
        (HEAD + GRID + "[studies.bits.fixed]\nbits = 2", "fixed.bits: is in the grid too"),
        (HEAD + "figures = 3", "figures: is not a list of tables"),
        (FULL.replace('x = "bits"', 'x = "epochs"'), "figures.1.x: 'epochs' is no parameter of"),
        (FULL.replace('by = "width"', 'by = "bits"'), "figures.1.by: 'bits' is no further"),
        (FULL.replace('y = "top1"', 'y = "loss"'), "figures.1.y: 'loss' is no result of the study"),
        (FULL.replace('y = "top1"', 'z = "top1"'), "figures.1.z: unknown key"),
        (FULL + 'kind = "bars"', "figures.1.kind: 'bars' is not lines or points"),
        (FULL + 'kind = "points"', "figures.1.x: 'bits' is no result of the study"),
    ],
)
def test_what_is_wrong_is_named_with_file_study_and_key(lab: Lab, text: str, said: str) -> None:
    with pytest.raises(LabFormatError) as caught:
        studies.read_studies(write(lab, text))
    message = str(caught.value)
    assert message.startswith(str(lab.folder / studies.STUDIES_FILE))
    assert said in message
    assert "\n" not in message


def test_the_file_in_the_documentation_can_be_read(lab: Lab) -> None:
    text = str(studies.__doc__).split("::\n")[1].split("\nAll of it")[0]
    write_notebook(lab.folder / "other.ipynb", "bits = 1\nwidth = 1\nepochs = 1\nseed = 0")
    study = studies.find_study(write(lab, text), "bits")
    assert (study.seeds, len(grid(study.axes)), study.fixed) == (3, 6, {"epochs": 2})
    assert [figure.kind for figure in study.figures] == ["lines", "points"]


def summary(setting, **results: float) -> Summary:
    measured = {name: counted(value) for name, value in results.items()}
    return Summary(setting, rows=(), failed=0, open=0, results=measured, over_seeds=False)


def test_without_a_study_results_stand_against_the_first_number_that_varies() -> None:
    summaries = [
        summary({"kind": kind, "bits": bits, "epochs": 1}, top1=bits / 10, size=7)
        for kind in ("a", "b")
        for bits in (2, 4)
    ]
    assert studies.default_figures(summaries, ()) == (
        Figure("top1", "bits", "kind", "top1 against bits", "lines"),
    )
    asked = studies.default_figures(summaries, ("size", "top1"))
    assert [figure.y for figure in asked] == ["size", "top1"]


def test_texts_are_an_axis_where_no_number_varies_and_seeds_are_none() -> None:
    texts = [summary({"kind": kind}, top1=0.1 * len(kind)) for kind in ("a", "bb")]
    (figure,) = studies.default_figures(texts, ())
    assert (figure.x, figure.by) == ("kind", None)
    assert studies.default_figures(texts[:1], ("top1",)) == ()
    assert studies.default_figures((), ()) == ()


def test_at_most_six_results_are_shown_that_nobody_asked_for() -> None:
    many = [summary({"a": a}, **{f"r{n}": n * a for n in range(9)}) for a in (1, 2)]
    assert [figure.y for figure in studies.default_figures(many, ())] == [
        f"r{n}" for n in range(1, 7)
    ]


def test_a_notebook_belongs_to_the_lab_that_has_it(tmp_path):
    lab = find_lab("federated_learning")
    own = lab.folder / "speakers.ipynb"
    assert studies.lab_of(lab.notebook) == lab
    assert studies.lab_of(own) == studies.studied(lab, studies.find_study(lab, "speakers"))
    assert studies.lab_of(lab.folder / "other.ipynb") is None
    assert studies.lab_of(tmp_path / "speakers.ipynb") is None


def beside(lab: Lab, text: str) -> Path:
    """A notebook of one's own: the toy's, in a folder without lab.toml."""
    write(lab, text)
    (lab.folder / "lab.toml").unlink()
    return lab.folder / "toy.ipynb"


def test_a_notebook_of_ones_own_has_the_studies_beside_it(lab: Lab) -> None:
    notebook = beside(lab, FULL.replace('preset = "smoke"\n', "").replace("top1", "any_result"))
    study = studies.find_study_beside(notebook, "bits")
    assert (study.seeds, study.notebook, study.results) == (3, None, ("any_result", "size_bytes"))
    design = design_sweep(Request({}, study="bits"), lab=None, notebook=notebook)
    assert (design.study, len(design.settings), design.plan.lab) == (study, 4 * 3, None)
    assert design.plan.parameters["epochs"] == 2


def test_a_study_beside_a_notebook_may_be_about_another(lab: Lab) -> None:
    other = '[studies.rounds]\ntitle = "R"\nsentence = "R."\nnotebook = "other.ipynb"\n'
    other += 'results = ["any"]\n[studies.rounds.grid]\nrounds = [1, 2]\n'
    notebook = beside(lab, HEAD + GRID + other)
    design = design_sweep(Request({}, study="rounds"), lab=None, notebook=notebook)
    assert design.plan.notebook == lab.folder / "other.ipynb"
    assert len(design.settings) == 2
    with pytest.raises(LabFormatError, match="no parameter 'bits'"):
        design_sweep(Request({}, study="bits"), lab=None, notebook=lab.folder / "other.ipynb")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (HEAD, "bit", "has no study 'bit'; did you mean 'bits'"),
        (HEAD + 'preset = "smoke"\n', "bits", "'smoke' is no preset of this notebook"),
        (HEAD.replace("bits]", "bits"), "bits", "is no TOML"),
        (FULL.replace('y = "top1"', 'y = "loss"'), "bits", "'smoke' is no preset"),
    ],
)
def test_a_study_beside_a_notebook_that_cannot_be_is_refused(
    lab: Lab, text: str, name: str, message: str
) -> None:
    with pytest.raises((UsageError, LabFormatError), match=message):
        studies.find_study_beside(beside(lab, text), name)


def test_without_a_file_of_studies_a_notebook_has_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no studies\.toml lies beside it; write one, or use -g"):
        studies.find_study_beside(tmp_path / "toy.ipynb", "main")
