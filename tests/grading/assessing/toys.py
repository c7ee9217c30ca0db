"""Submissions of the toy lab and what came of them, for the tests of grading many."""

import json

from grading.assessing.assessment import to_json
from grading.assessing.batch import Order, Roll, survey
from grading.assessing.keys import Settings
from grading.store import Store
from grading.submissions import Submission, Submissions
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits

IS_TRUSTED = walls_missing() is not None  # then student code of these tests runs without walls
RIGHT = (
    "# Exercise 9.1\ndef clipped_sum(values, limit):\n    return sum(min(v, limit) for v in values)"
)
ANSWERS = {
    "anna": RIGHT,
    "ben": RIGHT.replace("    return", "    if not values:\n        return 1\n    return"),
    "cleo": "# Exercise 9.1\ndef clipped_sum(values, limit):\n    import os\n    os._exit(1)",
    "dora": None,
    "emil": "# Exercise 9.1\ndef clipped_sum(values, limit)",
    "finn": RIGHT + "\nimport os\nos._exit(0)",
}
POINTS = {"anna": 4.0, "ben": 3.0, "cleo": 0.0, "dora": 0.0, "emil": 0.0, "finn": 0.0}


def notebook(toy, code: str | None) -> bytes:
    content = json.loads(toy.student.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "answer-9-1" and code:
            cell["source"] = code
    return json.dumps(content).encode()


def of(*submissions: Submission) -> Submissions:
    return Submissions({each.id: lambda each=each: each for each in submissions})


def some(toy, *names: str) -> Submissions:
    return of(*(Submission(name, notebook(toy, ANSWERS[name])) for name in names or ANSWERS))


def order(toy, **options) -> Order:
    course = toy.course
    settings = Settings(("9.1", "9.2"), "default", options.pop("limits", Limits()), IS_TRUSTED)
    return Order(course, course.lab("toy"), settings, **options)


def roll(submissions: Submissions) -> Roll:
    return Roll(submissions, survey(submissions), {})


def dump(store: Store) -> str:
    """Everything that grades depend on, as text, in the order of the ids."""
    entries = {name: to_json(store.entry(name).assessment) for name in store.present()}
    return json.dumps(entries, sort_keys=True)


def log(store: Store) -> list[tuple]:
    return sorted((c.submission, c.exercise, c.old or "", c.new) for c in store.log())
