"""The form of one-pagers: what is in order passes, each fault gives its finding, nothing breaks."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.engine.errors import LabFormatError, UsageError
from labs.engine.seminar import material, onepagers
from labs.engine.seminar.onepagers import check_file, check_paths, check_text
from labs.engine.seminar.rules import Rules, Section, read_rules

RULES = read_rules()
TEMPLATES = ("one-pager", "one-pager-de")
WORDS = ("measured", "Modell", "latency", "größer", "GPU", "3.5", "weil", "baseline", "and", "it's")
COUNTS = {"Paper": 12, "Claim and idea": 80, "Evidence": 90, "What is missing": 70}
ALLOWED = {section.name: (section.min_words, section.max_words) for section in RULES.sections}


def prose(count: int, *, width: int = 12) -> str:
    """Words in lines that run on."""
    found = [WORDS[n % len(WORDS)] for n in range(count)]
    return "\n".join(" ".join(found[n : n + width]) for n in range(0, count, width))


def filled(template: str = "one-pager", **counts: int) -> str:
    """A template with the prompt of each section replaced by so many words."""
    text = material.template(template)
    amounts = {**COUNTS, **{name.replace("_", " "): count for name, count in counts.items()}}
    sections = {
        heading: prose(amounts.get(RULES.section_of(heading).name, 40))
        for heading in material.headings(text)
    }
    return material.filled(text, sections)


def rules_found(text: str) -> list[tuple[str, str]]:
    return [(finding.rule, finding.about) for finding in check_text(text, rules=RULES)]


@given(
    template=st.sampled_from(TEMPLATES),
    counts=st.tuples(
        *(st.integers(low, min(high, 90)) for low, high in ALLOWED.values()),
    ),
)
def test_a_filled_template_passes(template: str, counts: tuple[int, ...]) -> None:
    text = material.template(template)
    heads = material.headings(text)
    total = sum(counts)
    content = {head: prose(count) for head, count in zip(heads, counts, strict=True)}
    found = check_text(material.filled(text, content), rules=RULES)
    if RULES.numbers["min_words"] <= total <= RULES.numbers["max_words"]:
        assert found == ()
    else:
        assert [(each.rule, each.seen) for each in found] == [("words", f"{total} words")]


@given(template=st.sampled_from(TEMPLATES), index=st.integers(0, len(RULES.sections) - 1))
def test_a_section_that_is_removed_is_found(template: str, index: int) -> None:
    parts = re.split(r"(?m)^(?=## )", filled(template))
    del parts[index + 1]
    assert ("section", RULES.sections[index].name) in rules_found("".join(parts))


@given(index=st.integers(0, len(RULES.sections) - 1), template=st.sampled_from(TEMPLATES))
def test_a_prompt_that_is_left_is_found_at_its_line(index: int, template: str) -> None:
    text = material.template(template)
    prompt = material.prompts(text)[index]
    heads = material.headings(text)
    sections = {head: prose(80) for n, head in enumerate(heads) if n != index}
    kept = material.filled(text, sections)
    [finding] = [each for each in check_text(kept, rules=RULES) if each.rule == "prompt"]
    assert prompt.split()[0] in kept.splitlines()[finding.line - 1]


def test_a_prompt_is_found_without_brackets_and_on_other_lines() -> None:
    prompt = material.prompts(material.template("one-pager"))[1]
    text = filled().replace(
        "## Evidence\n", f"## Evidence\n\n- {prompt.replace(' ', chr(10), 3)}\n"
    )
    assert ("prompt", "") in rules_found(text)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_itself_is_no_one_pager(name: str) -> None:
    found = check_text(material.template(name))
    assert sum(each.rule == "prompt" for each in found) == len(RULES.sections)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## Evidence", "## 3. Evidence:"),
        ("## Evidence", "# **EVIDENCE**"),
        ("## Evidence", "Evidence\n--------"),
        ("## Evidence", "Evidence:"),
        ("## Evidence", "## Belege"),
        ("## Evidence", "### Results ###"),
        ("## What is missing", "## Limitations"),
        ("## What is missing", "## Schwächen"),
    ],
)
def test_a_heading_may_be_written_in_many_ways(old: str, new: str) -> None:
    assert rules_found(filled().replace(old, new)) == []


def test_a_misspelt_heading_is_said_with_what_it_should_be() -> None:
    found = check_text(filled().replace("## Evidence", "## Evidance"), rules=RULES)
    [finding] = [each for each in found if each.about == "Evidence"]
    assert finding.seen == "the heading 'Evidance'"
    assert finding.remedy == "call it 'Evidence'"
    assert finding.line > 0


def test_headings_in_code_head_nothing() -> None:
    in_code = filled().replace("## Evidence", "```\n## Evidence\n```")
    assert ("section", "Evidence") in rules_found(in_code)


def test_an_empty_and_a_doubled_section() -> None:
    assert ("section", "Evidence") in rules_found(filled(Evidence=0))
    twice = filled().replace("## What is missing", "## Results\n\nso\n\n## What is missing")
    [finding] = [each for each in check_text(twice, rules=RULES) if each.rule == "twice"]
    assert finding.about == "Evidence"
    assert finding.seen.startswith("2 headings, the first in line")


def test_headings_below_a_section_belong_to_it_and_others_end_it() -> None:
    below = filled().replace("## Evidence\n", "## Evidence\n\n### In figures\n")
    assert rules_found(below) == []
    after = filled().replace("## Evidence\n", "## Evidence\n\n## Thanks\n")
    assert ("section", "Evidence") in rules_found(after)


def test_the_limits_themselves_pass_and_one_more_does_not() -> None:
    """12 + 40 words are fixed here, 448 the rest: 500, the most that is allowed."""
    text = filled(Claim_and_idea=170, Evidence=170, What_is_missing=108)
    assert rules_found(text) == []
    assert rules_found(f"{text}\nmore\n") == [("words", "")]


def test_a_page_is_approximated_by_lines() -> None:
    listed = "\n".join("- a" for _ in range(50))
    found = check_text(filled() + listed, rules=RULES)
    assert [each.rule for each in found] == ["page"]
    code = "\n```\n" + "x = 1\n" * 50 + "```\n"
    assert ("page", "") in rules_found(filled() + code)
    assert ("page", "") in rules_found(filled() + "\n![a](a.png)\n" * 3)


def test_printed_lines_by_hand() -> None:
    """Heading 1; blank 1; 200 characters in lines of 90 run on: 3; blank 1; items 2; blanks 1."""
    text = "# A\n\n" + "x" * 99 + "\n" + "x" * 99 + "\n\n- a\n- b\n\n    \n"
    lines = onepagers.read_lines(text)
    assert onepagers.printed_lines(lines, RULES) == 1 + 1 + 3 + 1 + 2 + 1


# Files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.md").write_text(filled(), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_encodings_and_line_breaks_change_nothing(
    tmp_path: Path, encoding: str, line_break: str
) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(filled().replace("\n", line_break).encode(encoding))
    assert check_file(path, rules=RULES).findings == ()


def test_another_encoding_is_one_finding_and_the_rest_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(filled("one-pager-de").encode("cp1252"))
    [finding] = check_file(path, rules=RULES).findings
    assert (finding.rule, finding.allowed) == ("encoding", "UTF-8")
    assert "ö" in path.read_bytes().decode("cp1252").splitlines()[finding.line - 1]


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b"PK\x03\x04\x00\x00", "no text"),
        ("a.md", b"x" * 200_001, "200,001 bytes"),
        ("a.pdf", b"%PDF-1.7", "ending .pdf"),
        ("a.ipynb", b"{}", "ending .ipynb"),
        ("a", b"text", "ending none"),
    ],
)
def test_what_is_no_text_is_one_finding(
    tmp_path: Path, name: str, content: bytes, seen: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    [finding] = check_file(path, rules=RULES).findings
    assert (finding.rule, finding.line, finding.seen) == ("file", 0, seen)


def test_a_link_and_a_file_that_went_away_are_findings(folder: Path) -> None:
    (folder / "link.md").symlink_to(folder / "good.md")
    (folder / "broken.md").symlink_to(folder / "none.md")
    checked = check_paths([folder], rules=RULES)
    seen = {each.path.name: [finding.seen for finding in each.findings] for each in checked}
    assert seen == {
        "broken.md": ["no ordinary file"],
        "good.md": [],
        "link.md": ["no ordinary file"],
    }
    [gone] = check_file(folder / "gone.md", rules=RULES).findings
    assert gone.seen == "No such file or directory"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_whatever_a_file_holds_ends_in_findings(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.txt"
    path.write_bytes(content)
    checked = check_file(path, rules=RULES)
    assert checked.findings
    assert all("\n" not in finding.describe() for finding in checked.findings)


def test_what_a_file_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    text = filled().replace("## Evidence", "## Evidenc\u202ee")
    found = check_text(text, rules=RULES)
    assert any("[U+202E]" in finding.describe() for finding in found)


def test_a_folder_is_searched_as_documented(folder: Path) -> None:
    for name in ("week1/b.TXT", "week1/c.pdf", "week1/plot.png", ".git/d.md", "week2/.e.md"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    names = [
        each.path.relative_to(folder).as_posix() for each in check_paths([folder], rules=RULES)
    ]
    assert names == ["good.md", "week1/b.TXT", "week1/c.pdf"]


def test_nothing_to_check_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no one-pager"):
        check_paths([tmp_path], rules=RULES)
    with pytest.raises(UsageError, match="no file or folder"):
        check_paths([tmp_path / "none"], rules=RULES)


# Rules

LINES = """\
suffixes = [".md"]
max_file_bytes = 1000
min_words = 1
max_words = 9
max_lines = 10
line_characters = 80
picture_lines = 10
"""
SECTION = '[[sections]]\nname = "Claim"\naliases = ["Idee"]\nmin_words = 1\nmax_words = 9\n'


def test_rules_of_ones_own_apply(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(LINES + SECTION, encoding="utf-8")
    own = read_rules(path)
    assert isinstance(own, Rules)
    assert own.sections == (Section("Claim", frozenset({"claim", "idee"}), 1, 9),)
    assert check_text("# Idee\n\nso\n", rules=own) == ()
    assert [each.rule for each in check_text("so\n", rules=own)] == ["section"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_words = 9\nmax_lines", "max_lines", "max_words: is missing"),
        ("min_words = 1\nmax_words = 9\nmax", "min_words = 99\nmax_words = 9\nmax", "99 is above"),
        ("max_lines = 10", "max_lines = 0", "max_lines: 0 is not a whole number >= 1"),
        ("max_lines = 10", "max_line = 10", "max_line: unknown key; did you mean 'max_lines'"),
        ('[".md"]', '["md"]', "suffixes: ['md'] is not a list of endings"),
        ('name = "Claim"', 'name = "!"', "'' is another section's too"),
        (SECTION, "", "sections: there is none"),
        (SECTION, SECTION + SECTION.replace("Claim", "B"), "'idee' is another section's too"),
        (SECTION, f'templates = ["none.md"]\n{SECTION}', "'none.md' cannot be read"),
        ("min_words", "min words", "is no TOML"),
    ],
)
def test_rules_that_cannot_be_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text((LINES + SECTION).replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LabFormatError, match=re.escape(message)):
        read_rules(path)
    with pytest.raises(LabFormatError, match="give a file of rules"):
        read_rules(tmp_path / "none.toml")
