"""What is kept of one graded submission: the verdict, and what the student wrote and was shown.

The verdict decides; the answers are there so that feedback can show them, as submitted and not
verified. Both are plain data that pass between processes and into the store as JSON. Nothing is
computed here.
"""

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grading import verdict as verdicts
from grading.verdict import Verdict
from labs.engine.rebuild import Answer, Shown


@dataclass(frozen=True)
class Assessment:
    """One graded submission.

    Parameters
    ----------
    verdict
        What came of it.
    answers
        What was found for each exercise, in the order of the lab; empty if refused.
    unmatched
        Short texts about cells that look like answers and could not be placed.
    """

    verdict: Verdict
    answers: tuple[Answer, ...] = ()
    unmatched: tuple[str, ...] = ()


def to_json(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as an object of JSON; pictures as base64."""
    return {
        "verdict": verdicts.to_json(assessment.verdict),
        "answers": [answer_to_json(answer) for answer in assessment.answers],
        "unmatched": list(assessment.unmatched),
    }


def from_json(fields: Mapping[str, Any]) -> Assessment:
    r"""Return the assessment in an object that `to_json` made.

    Examples
    --------
    >>> shown = (Shown("text", "4"), Shown("picture", "a curve", b"\x89PNG"))
    >>> answer = Answer("0.1", "by its id", True, "def f(): ...", shown, ("two cells",))
    >>> one = Assessment(Verdict("anna", "graded"), (answer,), ("a cell",))
    >>> import json
    >>> from_json(json.loads(json.dumps(to_json(one)))) == one
    True
    """
    answers = tuple(answer_from_json(answer) for answer in fields["answers"])
    return Assessment(
        verdicts.from_json(fields["verdict"]), answers, unmatched=tuple(fields["unmatched"])
    )


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """Return what a submission holds for one exercise as an object of JSON."""
    shown = [
        {**dataclasses.asdict(each), "png": base64.b64encode(each.png).decode("ascii")}
        for each in answer.shown
    ]
    return {**dataclasses.asdict(answer), "shown": shown}


def answer_from_json(fields: Mapping[str, Any]) -> Answer:
    """Return the answer in an object that `answer_to_json` made."""
    shown = tuple(
        Shown(**{**each, "png": base64.b64decode(each["png"])}) for each in fields["shown"]
    )
    return Answer(**{**fields, "shown": shown, "notes": tuple(fields["notes"])})
