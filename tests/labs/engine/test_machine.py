"""The machine that a run takes place on."""

import json

from labs.engine.machine import machine


def test_machine_names_what_a_measurement_depends_on():
    facts = machine()
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 2**20
    assert {"torch", "numpy"} <= set(facts["packages"])
    assert json.loads(json.dumps(facts)) == facts
