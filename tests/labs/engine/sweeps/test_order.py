"""What a command asks a folder for: threads, and runs that nobody asks for any more."""

import importlib.util
from pathlib import Path

import pytest

from labs.engine.errors import UsageError
from labs.engine.sweeps import order as orders
from labs.engine.sweeps.design import Request, design_sweep
from labs.engine.sweeps.folder import read_folder
from labs.engine.sweeps.order import Order, claim, look, to_do

_spec = importlib.util.spec_from_file_location(
    "toy_sweep", Path(__file__).with_name("toy_sweep.py")
)
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)
RECORD = """{"lab": "toy.ipynb", "parameters": {"x": %d}, "status": "%s", "results": {},
"provenance": {}}"""


@pytest.fixture
def order_of(tmp_path):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", "1")

    def order(*values, **options):
        axis = "x=" + ",".join(map(str, values))
        design = design_sweep(Request({}, axes=(axis,)), lab=None, notebook=notebook)
        return Order(design=design, **options)

    return order


def values(folder):
    return [run.parameters["x"] for run in folder.current.values()]


def test_runs_that_are_over_stay_and_open_ones_are_those_of_the_last_command(order_of, tmp_path):
    out = tmp_path / "out"
    with claim(out, order_of(1, 2, 3), jobs=1) as folder:
        for run, status in zip(list(folder.current), ("ok", "failed"), strict=False):
            (folder.begin(run) / "notebook.json").write_text(RECORD % (1, status))
    assert [folder.state(each) for each in folder.current] == ["ok", "failed", "waiting"]
    assert values(look(out, order_of(2, 5), jobs=1)) == [2, 5, 1]
    assert values(read_folder(out)) == [1, 2, 3], "a look changes nothing"
    with claim(out, order_of(2, 5), jobs=1) as folder:
        assert values(folder) == [1, 2, 5]
        again = [folder.asked[each].parameters["x"] for each in to_do(folder, retry=True)]
        assert (len(to_do(folder, retry=False)), again) == (1, [2, 5])
    assert values(read_folder(out)) == [1, 2, 5]


def test_all_runs_of_a_folder_have_the_same_number_of_threads(order_of, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(orders, "_cores", lambda: 8)
    with claim(out, order_of(1), jobs=2) as folder:
        assert folder.asking.threads == 4
    with claim(out, order_of(1, 2), jobs=8) as folder:
        assert folder.asking.threads == 4
        assert len(folder.current) == 2
    with pytest.raises(UsageError, match="have 4 threads each, and with 2 they would be other"):
        look(out, order_of(1, threads=2), jobs=8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert orders.usual_threads(1) == 3
