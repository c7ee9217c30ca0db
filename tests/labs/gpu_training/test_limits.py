"""What the parameters of the lab may be: each end, beyond each end, and batches to share out."""

import json
import re

import pytest

from labs.engine.catalog import LABS_ROOT
from labs.gpu_training.limits import RANGES, check

NOTEBOOK = LABS_ROOT / "gpu_training" / "gpu_training.ipynb"


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_are_allowed_and_nothing_beyond(name):
    low, high = RANGES[name]
    check(**{name: low})
    check(**{name: high})
    for value in (low - 1, high + 1, float("nan"), float("inf"), low + 0.5):
        with pytest.raises(
            ValueError,
            match=re.escape(f"{name} is {value}; give a whole number from {low:,} to {high:,}"),
        ):
            check(**{name: value})


def test_a_size_that_does_not_exist():
    with pytest.raises(ValueError, match="size is 'giant'; give one of tiny, small, medium"):
        check(size="giant")


@pytest.mark.parametrize(("batch", "world_size"), [(15, 2), (2, 4)])
def test_a_batch_that_cannot_be_shared_out(batch, world_size):
    with pytest.raises(ValueError, match=f"batch is {batch} and world_size {world_size}; give"):
        check(batch=batch, world_size=world_size)
    check(batch=batch * world_size, world_size=world_size)


def test_the_notebook_checks_each_of_its_parameters():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    (parameters,) = (
        "".join(cell["source"])
        for cell in cells
        if "parameters" in cell["metadata"].get("tags", ())
    )
    names = {line.split(" = ")[0] for line in parameters.splitlines()}
    (checked,) = (source for source in sources if "limits.check(" in source)
    assert names == {*RANGES, "size"}
    assert all(f"{name}={name}" in checked for name in names)
