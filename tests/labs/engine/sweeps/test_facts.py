"""Where the runs of a sweep come from: what they share once, what differs with counts."""

from labs.engine.sweeps.facts import data_of, facts_of
from labs.engine.sweeps.folder import Asking


def record(**provenance):
    return {"parameters": {"bits": 2, "epochs": 3}, "provenance": provenance}


def test_what_differs_among_runs_is_counted():
    machines = [{"processor": name, "cores": 2} for name in ("A", "A", "B")]
    records = [record(machine=machine, git=None) for machine in machines]
    records[2]["parameters"]["bits"] = 4
    found = facts_of(Asking(), records)
    assert [line.partition(":")[2].strip() for line in found["Machine"]] == ["2 runs", "1 run"]
    assert found["Parameters that all runs share"] == ["epochs = 3"]
    assert found["Commit"] == ["not kept by git"]


def test_runs_without_provenance_have_no_facts_but_those():
    found = facts_of(Asking(), [record()])
    assert "Time" not in found
    assert found["Machine"] == ["unknown: not recorded"]
    assert facts_of(Asking(), []) == {}


def test_data_sets_are_named_once_in_order():
    assert data_of([record(data=["b", "a"]), record(data=["a", "c"]), record()]) == "b, a, c"
