"""The submissions of one lab: what is graded, under which name, and what was refused."""

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Submission:
    """One submission, by one student or one team.

    Parameters
    ----------
    id
        Its pseudonym, or the name of its folder: letters, digits, ``.``, ``_`` and ``-``.
    notebook
        Content of the notebook to grade, as submitted; None if there is none.
    problem
        Why it was refused, in a sentence; empty if it was not. ``notebook`` is None then.
    notes
        What a person should know: several notebooks, a file that was left out.
    url
        Link to Colab as submitted, shown and never fetched; empty if there is none.
    submitted
        When it was handed in, with time zone; None if unknown.
    person
        Pseudonyms of its people over the term, for the budget of late days; empty if unknown.
    """

    id: str
    notebook: bytes | None
    problem: str = ""
    notes: tuple[str, ...] = ()
    url: str = ""
    submitted: datetime | None = None
    person: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of what is graded; the same content is never graded twice."""
        parts = [self.notebook or b"", self.problem.encode(), *(n.encode() for n in self.notes)]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()
