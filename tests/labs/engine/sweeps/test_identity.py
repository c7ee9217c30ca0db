"""A run's name changes with all that decides its numbers, and with nothing else."""

import json
import os
from dataclasses import replace

import pytest

from labs.engine.catalog import find_labs
from labs.engine.runner import plan_run
from labs.engine.sweeps import identity
from labs.engine.sweeps.identity import Origin

ORIGIN = Origin("a" * 64, {"course_utils": "b" * 64}, {"python": "3.11"}, threads=1)
PARAMETERS = {"alpha": 0.3, "clients": 20, "seed": 0}


@pytest.mark.parametrize(
    "other",
    [
        replace(ORIGIN, notebook="c" * 64),
        replace(ORIGIN, modules={"course_utils": "d" * 64}),
        replace(ORIGIN, versions={"python": "3.12"}),
        replace(ORIGIN, threads=2),
    ],
)
def test_whatever_decides_numbers_decides_the_name(other):
    assert other.run_id(PARAMETERS) != ORIGIN.run_id(PARAMETERS)


def test_parameters_decide_the_name_but_not_their_order():
    name = ORIGIN.run_id(PARAMETERS)
    assert name == ORIGIN.run_id(dict(reversed(PARAMETERS.items())))
    assert name != ORIGIN.run_id(PARAMETERS | {"seed": 1})
    assert len(name) == 16
    assert int(name, 16) >= 0


def notebook(*cells):
    made = [
        {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source, "outputs": []}
        for source, *tags in cells
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}


def test_a_notebook_is_what_it_does():
    plain = notebook(["x = 1\n", "parameters"], ["print(x)"])
    saved = json.loads(json.dumps(plain))
    saved["metadata"] = {"kernelspec": {"name": "other"}}
    saved["cells"][1] |= {"outputs": [{"output_type": "stream"}], "execution_count": 7}
    saved["cells"][0]["source"] = ["x = 1\n"]
    assert identity.cells_hash(saved) == identity.cells_hash(plain)
    for other in (
        notebook(["x = 2\n", "parameters"], ["print(x)"]),
        notebook(["x = 1\n"], ["print(x)"]),
        notebook(["print(x)"], ["x = 1\n", "parameters"]),
    ):
        assert identity.cells_hash(other) != identity.cells_hash(plain)


def test_of_a_lab():
    lab = next(each for each in find_labs() if each.name == "quickstart")
    origin = identity.origin_of(plan_run(lab.notebook, lab=lab), threads=1)
    assert set(origin.modules) == {"course_utils", "labs.quickstart", "labs.shared"}
    assert {"python", "numpy", "torch", "mlsys-course"} <= set(origin.versions)


def test_of_a_file_that_a_parameter_names_the_content_counts(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("1\n")
    first = ORIGIN.run_id({"data": str(file)})
    assert ORIGIN.run_id({"data": str(file)}) == first
    stamp_ns = file.stat().st_mtime_ns
    file.write_text("2\n")
    os.utime(file, ns=(stamp_ns + 1, stamp_ns + 1))
    assert ORIGIN.run_id({"data": str(file)}) != first
    assert ORIGIN.run_id({"data": "data.csv"}) == ORIGIN.run_id({"data": "data.csv"})
