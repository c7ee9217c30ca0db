"""The names in Moodle's "Download all submissions", and the names that Moodle takes feedback under.

Moodle names each entry after a person or team, a number and the kind of hand-in, as a folder
(``Ada Lovelace_4711_assignsubmission_file/lab.ipynb``; before version 4.1 with a ``_`` before the
slash) or, with "folders" switched off, as the start of the file's name. The number alone tells
whose it is: names come in any language and order. No file is opened here.
"""

import re
import unicodedata
from dataclasses import dataclass

FILE, ONLINE_TEXT = "file", "onlinetext"
_ENTRY = re.compile(
    r"""
    (?P<name>[^/]+?)                 # Moodle turns each _ of a name into a space,
    (?:_(?P<number>[0-9]{1,18}))?    # so the digits before the fixed word are the number;
    _assignsubmission_               # the team of those without a group has none
    (?P<plugin>[a-z][a-z0-9]*)
    (?:_?(?:/(?P<path>.*))?|_(?P<flat>[^/].*))
    """,
    re.VERBOSE | re.DOTALL,
)
_ATTEMPT = re.compile(r"(?:attempt|versuch|essai|intento|tentativo)[ _-]?([0-9]{1,4})", re.I)


@dataclass(frozen=True)
class EntryName:
    """What the name of an entry says.

    Parameters
    ----------
    name
        Name of the person or team, or "Participant" in the language of the site.
    number
        The number that Moodle has for it; None for the team of those without a group.
    plugin
        ``file``, ``onlinetext``, or another kind of hand-in that the site has.
    folder
        Name of the folder as downloaded; of a flat entry, the one it would have.
    path
        Where the file lies in what was handed in; empty for the folder itself.
    """

    name: str
    number: int | None
    plugin: str
    folder: str
    path: str

    @property
    def attempt(self) -> tuple[int, str]:
        """The attempt that a first folder such as ``attempt2`` counts, and the path within it.

        Examples
        --------
        >>> parse("Ada_1_assignsubmission_file/attempt_2/a.ipynb").attempt
        (2, 'a.ipynb')
        """
        first, _, rest = self.path.partition("/")
        match = _ATTEMPT.fullmatch(first)
        return (int(match[1]), rest) if match and rest else (0, self.path)


def parse(entry: str) -> EntryName | None:
    """Return what the name of an entry says, or None if it is no name of Moodle's.

    Examples
    --------
    >>> parse("Lovelace, Ada_4711_assignsubmission_file_/part/lab.ipynb")
    EntryName(name='Lovelace, Ada', number=4711, plugin='file',
              folder='Lovelace, Ada_4711_assignsubmission_file_', path='part/lab.ipynb')
    >>> parse("Teilnehmerin_4711_assignsubmission_file_lab_1.ipynb").path
    'lab_1.ipynb'
    """
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    name, plugin, flat = match["name"], match["plugin"], match["flat"]
    number = None if match["number"] is None else int(match["number"])
    folder = entry.partition("/")[0] if flat is None else entry[: match.start("flat")]
    return EntryName(name, number, plugin, folder, flat or match["path"] or "")


def feedback_folder(name: str, number: int) -> str:
    """Return the folder under which Moodle takes the feedback for a person.

    Moodle splits it at each ``_``, so the name holds none, nor what no folder's name may hold.

    Examples
    --------
    >>> feedback_folder("Ada_M. Lovelace/King", 4711)
    'Ada M. LovelaceKing_4711_assignsubmission_file'
    """
    plain = "".join(c for c in name.replace("_", " ") if c.isprintable() and c not in '/\\:*?"<>|')
    return f"{plain.strip(' .') or 'Participant'}_{number}_assignsubmission_{FILE}"


def comparable_team(name: str) -> str:
    """Return a team's name so that the one in the download equals the one in the worksheet.

    Moodle drops some characters from the names of files; a name of nothing else stays as it is.

    Examples
    --------
    >>> comparable_team("Team 5/Blue") == comparable_team("team 5Blue") != comparable_team("5")
    True
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "", text) or text.strip()


def comparable(name: str) -> str:
    """Return a person's name so that the words can come in any order, with any marks between.

    Examples
    --------
    >>> comparable("Lovelace,  Ada_M.") == comparable("ada m. Lovelace")
    True
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(sorted(re.findall(r"\w+", text.replace("_", " "))))
