"""From what is asked for to the runs: what goes together, what replaces what, and the seeds."""

import importlib.util
from pathlib import Path

import pytest

from labs.engine.catalog import find_lab
from labs.engine.errors import UsageError
from labs.engine.sweeps.design import Request, check_results, check_same_plan, design_sweep
from labs.engine.sweeps.folder import Asking, open_folder
from labs.engine.sweeps.identity import origin_of

_spec = importlib.util.spec_from_file_location(
    "toy_sweep", Path(__file__).with_name("toy_sweep.py")
)
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)


@pytest.fixture
def notebook(tmp_path):
    return toy.make_notebook(tmp_path / "toy.ipynb", "seed = 1")


def of_quickstart(**asked):
    lab = find_lab("quickstart")
    return design_sweep(
        Request(asked.pop("parameters", {}), **asked), lab=lab, notebook=lab.notebook
    )


def test_settings_are_every_combination_with_every_seed():
    design = of_quickstart(axes=("bits=2,4", "width=4,8"), seeds=2, parameters={"seed": "5"})
    assert len(design.settings) == 8
    assert design.settings[0] == {"bits": 2, "width": 4, "seed": 5}
    assert {each["seed"] for each in design.settings} == {5, 6}
    assert (design.seeds, design.study) == (2, None)


def test_an_axis_replaces_that_of_the_study_and_another_is_added():
    whole = of_quickstart(study="bits")
    fewer = of_quickstart(study="bits", axes=("bits=2",), seeds=1)
    more = of_quickstart(study="bits", axes=("epochs=1,2",))
    assert {each["bits"] for each in fewer.settings} == {2}
    assert {each["seed"] for each in fewer.settings} == {0}
    assert len(more.settings) == 2 * len(whole.settings)
    assert whole.plan.parameters["measure_s"] == 0.1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "nothing varies"),
        ({"draws": 3}, "needs something to draw from"),
        ({"draws": 3, "axes": ("x=1..9",), "listed": Path("a.csv")}, "keep one"),
        ({"listed": Path("a.csv"), "axes": ("x=1,2",)}, "keep one"),
        ({"study": "bits"}, "only labs have studies"),
        ({"axes": ("x=1,2",), "parameters": {"x": "1"}}, "x is given by -p and varied as well"),
        ({"axes": ("y=1,2",)}, "parameter"),
        ({"axes": ("x=1,2",), "seeds": 2}, "no parameter seed"),
    ],
)
def test_what_does_not_go_together_is_refused(notebook, asked, message):
    with pytest.raises(UsageError, match=message):
        design_sweep(Request(asked.pop("parameters", {}), **asked), lab=None, notebook=notebook)


def test_runs_of_another_preset_do_not_join(tmp_path):
    smoke = of_quickstart(axes=("bits=2",), preset="smoke")
    whole = of_quickstart(axes=("bits=2",))
    origin = origin_of(smoke.plan, threads=1)
    folder = open_folder(tmp_path / "out", target="quickstart")
    folder.ask(smoke.runs(origin), Asking(command="lab sweep ...", origin=origin.name))
    check_same_plan(folder, smoke.plan, origin=origin)
    with pytest.raises(UsageError, match=r"another preset or other parameters -p, from: lab sweep"):
        check_same_plan(folder, whole.plan, origin=origin)


def test_a_result_that_does_not_exist_is_named_with_what_was_meant():
    check_results(["top1"], ["top1"], source="lab x")
    with pytest.raises(UsageError, match="lab x has no result 'topl'; did you mean 'top1'"):
        check_results(["top1", "topl"], ["top1", "loss"], source="lab x")
