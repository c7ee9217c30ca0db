"""Whether a one-pager has the form that was asked for: its length, its sections, no prompt left.

The form alone: what a text says is for people to judge. One page as printed is approximated by
words and by lines of a fixed width, since nothing is rendered. Whatever lies in a file, the check
ends with findings, each with its line, the value seen and what is allowed, and never with an error.
"""

import bisect
import itertools
import math
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.engine import pages
from labs.engine.catalog import did_you_mean
from labs.engine.errors import UsageError
from labs.engine.seminar.rules import Rules, Section, read_rules
from labs.engine.seminar.texts import (
    Line,
    decode,
    is_binary,
    pictures,
    plain,
    read_lines,
)

MAX_SHOWN = 60  # characters of a heading in a finding
MAX_STRANGE = 50  # headings of no section that are looked at for what was meant
# A one-pager in one of these is a finding; other files of a folder are nobody's business.
OTHER_FORMS = (".pdf", ".docx", ".doc", ".odt", ".rtf", ".ipynb", ".html", ".tex", ".pages")


@dataclass(frozen=True)
class Finding:
    """One thing about the form of a one-pager that is not as asked for.

    Parameters
    ----------
    line
        Where, counted from 1; 0 for the file as a whole.
    rule
        Which rule: ``file``, ``encoding``, ``words``, ``page``, ``section``, ``twice``, ``prompt``.
    about
        The section that it is about; empty for the file as a whole.
    seen
        What is there.
    allowed
        What may be there.
    remedy
        What to do.
    """

    line: int
    rule: str
    about: str
    seen: str
    allowed: str
    remedy: str

    def describe(self) -> str:
        """Return the finding as one line.

        Examples
        --------
        >>> Finding(0, "words", "", "12 words", "250 to 500", "write more").describe()
        'words: 12 words; allowed: 250 to 500; write more'
        """
        where = f"line {self.line}: " if self.line else ""
        about = f" {self.about}" if self.about else ""
        return f"{where}{self.rule}{about}: {self.seen}; allowed: {self.allowed}; {self.remedy}"


@dataclass(frozen=True)
class Checked:
    """A file and what was found about its form.

    Parameters
    ----------
    path
        The file.
    words
        Of its prose; 0 if it could not be read.
    findings
        In the order of the lines; none if the form is as asked for.
    """

    path: Path
    words: int
    findings: tuple[Finding, ...]


def check_text(text: str, *, rules: Rules | None = None) -> tuple[Finding, ...]:
    """Return the findings about a text; none if its form is as asked for.

    Parameters
    ----------
    text
        The whole one-pager.
    rules
        Those of the course if not given.
    """
    return tuple(_text_findings(read_lines(text), rules or read_rules()))


def check_file(path: Path, *, rules: Rules) -> Checked:
    """Return what is found about a file, whatever it holds.

    Parameters
    ----------
    path
        Of the file.
    rules
        What it must be like.
    """
    try:
        content = _content(path, rules)
    except OSError as err:
        said = err.strerror or str(err)
        return Checked(path, 0, (_file_finding(said, "a file that can be read", "save it again"),))
    if isinstance(content, Finding):
        return Checked(path, 0, (content,))
    text, wrong_line = decode(content)
    if is_binary(text):
        allowed = f"text ({', '.join(rules.suffixes)})"
        return Checked(path, 0, (_file_finding("no text", allowed, "export it as text"),))
    lines = read_lines(text)
    findings = [*_encoding(wrong_line), *_text_findings(lines, rules)]
    return Checked(path, _count(lines), tuple(sorted(findings, key=lambda each: each.line)))


def check_paths(paths: Iterable[Path], *, rules: Rules) -> list[Checked]:
    """Return what is found about files and about everything in folders, in the order of names.

    In a folder, however deep, files with an ending of the rules are one-pagers; those that
    word processors and the like write are findings; hidden ones and all others are passed over.

    Parameters
    ----------
    paths
        Files and folders.
    rules
        What one-pagers must be like.

    Raises
    ------
    UsageError
        If a path does not exist, or a folder holds nothing to check.
    """
    found: list[Checked] = []
    for path in paths:
        if path.is_dir():
            files = [each for each in _files(path) if _is_candidate(each, rules)]
            if not files:
                endings = ", ".join(rules.suffixes)
                raise UsageError(f"{path} holds no one-pager ({endings}); give another folder")
        elif path.exists() or path.is_symlink():
            files = [path]
        else:
            raise UsageError(f"no file or folder {path}; check the path")
        found += [check_file(each, rules=rules) for each in files]
    return found


def _files(folder: Path) -> list[Path]:
    inside = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(
        path
        for path in inside
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _is_candidate(path: Path, rules: Rules) -> bool:
    return path.suffix.lower() in (*rules.suffixes, *OTHER_FORMS)


def _content(path: Path, rules: Rules) -> bytes | Finding:
    """Return the bytes of a file, or why they are not read."""
    endings, most = ", ".join(rules.suffixes), rules.numbers["max_file_bytes"]
    if path.suffix.lower() not in rules.suffixes:
        seen = f"ending {pages.line(path.suffix, characters=MAX_SHOWN) or 'none'}"
        return _file_finding(seen, endings, "export it as Markdown or plain text")
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return _file_finding("no ordinary file", "a file, no link", "put the file itself there")
    if status.st_size > most:
        seen = f"{status.st_size:,} bytes"
        return _file_finding(seen, f"at most {most:,}", "leave out what is no text")
    if status.st_size == 0:
        return _file_finding("empty", "a text", "fill the template: lab template one-pager")
    return path.read_bytes()


def _file_finding(seen: str, allowed: str, remedy: str) -> Finding:
    return Finding(0, "file", "", seen, allowed, remedy)


def _encoding(line: int) -> Iterator[Finding]:
    if line:
        seen, allowed = "a byte that is no UTF-8", "UTF-8"
        yield Finding(line, "encoding", "", seen, allowed, "save the file as UTF-8")


def _count(lines: Iterable[Line]) -> int:
    return sum(len(line.words) for line in lines)


def _text_findings(lines: Sequence[Line], rules: Rules) -> Iterator[Finding]:
    found = [
        *_length(lines, rules),
        *_section_findings(lines, rules),
        *_prompts_left(lines, rules.prompts),
    ]
    yield from sorted(found, key=lambda finding: finding.line)


def _length(lines: Sequence[Line], rules: Rules) -> Iterator[Finding]:
    fewest, most = rules.numbers["min_words"], rules.numbers["max_words"]
    count = _count(lines)
    if not fewest <= count <= most:
        remedy = "say more" if count < fewest else "leave out what matters least"
        yield Finding(0, "words", "", pages.plural(count, "word"), f"{fewest} to {most}", remedy)
    taken = printed_lines(lines, rules)
    if taken > rules.numbers["max_lines"]:
        width = rules.numbers["line_characters"]
        seen = f"about {taken} printed lines of {width} characters"
        allowed = f"at most {rules.numbers['max_lines']}, one page"
        yield Finding(0, "page", "", seen, allowed, "leave out a list, code or a picture")


def printed_lines(lines: Sequence[Line], rules: Rules) -> int:
    """Return about how many lines of a printed page a text takes.

    Lines of a paragraph run on; a row of blank ones takes one, a picture as many as the rules say.

    Parameters
    ----------
    lines
        Of the whole text.
    rules
        How long a printed line is, and how high a picture.
    """
    width, total = rules.numbers["line_characters"], 0
    for kind, group in itertools.groupby(lines, key=lambda line: line.kind):
        block = list(group)
        if kind in ("heading", "code"):
            total += sum(max(1, math.ceil(len(line.text) / width)) for line in block)
        elif kind == "prose":
            total += sum(math.ceil(length / width) for length in _paragraphs(block))
            total += rules.numbers["picture_lines"] * sum(map(pictures, block))
        elif kind == "blank":
            total += 1
    return total


def _paragraphs(block: Sequence[Line]) -> Iterator[int]:
    """Yield the lengths of what runs on: a paragraph, an item of a list, a row of a table."""
    length = 0
    for line in block:
        text = line.text.strip()
        if length and text.startswith(("- ", "* ", "+ ", "|", ">")):
            yield length
            length = 0
        length += len(text) + 1
    yield length


def _section_findings(lines: Sequence[Line], rules: Rules) -> Iterator[Finding]:
    heads, counts, strange = _sections(lines, rules)
    for section in rules.sections:
        places = heads.get(section.name, [])
        if not places:
            yield _missing(section, strange)
            continue
        if len(places) > 1:
            seen = f"{len(places)} headings, the first in line {places[0].number}"
            second = places[1].number
            yield Finding(second, "twice", section.name, seen, "one", "make one of them")
        count = counts[section.name]
        if not section.min_words <= count <= section.max_words:
            allowed = f"{section.min_words} to {section.max_words}"
            seen = pages.plural(count, "word") if count else "empty"
            remedy = "say more" if count < section.min_words else "shorten it"
            yield Finding(places[0].number, "section", section.name, seen, allowed, remedy)


def _missing(section: Section, strange: Sequence[Line]) -> Finding:
    """Return the finding that a section is not there, and which heading may be meant for it."""
    for line in strange[:MAX_STRANGE]:
        if did_you_mean(plain(line.text), section.names):
            heading = pages.line(line.text, characters=MAX_SHOWN)
            seen, remedy = f"the heading {heading!r}", f"call it {section.name!r}"
            return Finding(line.number, "section", section.name, seen, "its heading", remedy)
    remedy = f"add the heading '## {section.name}'"
    return Finding(0, "section", section.name, "missing", "one heading", remedy)


def _sections(
    lines: Sequence[Line], rules: Rules
) -> tuple[dict[str, list[Line]], dict[str, int], list[Line]]:
    """Return the headings and the words of each section, and the headings of no section."""
    heads: dict[str, list[Line]] = {}
    counts: dict[str, int] = {}
    strange: list[Line] = []
    current, level, before = None, 0, "blank"
    for line in lines:
        found = rules.section_of(line.text) if _may_head(line, before) else None
        before = line.kind
        if found:
            current, level = found.name, line.level or 2
            heads.setdefault(current, []).append(line)
            counts.setdefault(current, 0)
        elif line.kind == "heading":
            strange.append(line)
            current = current if line.level > level else None
        elif current:
            counts[current] += len(line.words)
    return heads, counts, strange


def _may_head(line: Line, before: str) -> bool:
    """Return whether a line can head a section: a heading, or a line alone, as in plain text."""
    return line.kind == "heading" or (line.kind == "prose" and before != "prose")


def _prompts_left(lines: Sequence[Line], prompts: Iterable[str]) -> Iterator[Finding]:
    """Yield the prompts of a template that still stand in the text, line breaks aside."""
    starts, numbers, texts, place = [], [], [], 1
    for line in lines:
        if line.kind == "prose" and (text := plain(f"x {line.text}")[2:]):
            starts.append(place)
            numbers.append(line.number)
            texts.append(text)
            place += len(text) + 1
    whole = f" {' '.join(texts)} "
    for prompt in prompts:
        found = whole.find(f" {prompt} ")
        if found >= 0:
            number = numbers[bisect.bisect_right(starts, found + 1) - 1]
            seen = repr(pages.line(prompt, characters=MAX_SHOWN))
            yield Finding(number, "prompt", "", seen, "your own words", "replace this prompt")
