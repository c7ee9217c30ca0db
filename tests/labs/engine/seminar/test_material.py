"""Templates, rubrics and what ``lab template`` makes of them."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.errors import LabFormatError, UsageError
from labs.engine.seminar import material, rubrics, sheets

RUBRIC = """\
title = "Talk"
minutes = 5
points = 3
note = "A note."
[[criteria]]
name = "A"
asks = "Is it?"
levels = [{ points = 0, text = "No." }, { points = 3, text = "Yes." }]
"""


def test_every_file_of_the_material_has_its_name_in_the_readme() -> None:
    text = (material.MATERIAL / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in material.MATERIAL.glob("*") if path.is_file()} - {"README.md"}
    folders = {f"{path.name}/" for path in material.MATERIAL.glob("*") if path.is_dir()}
    assert {name for name in files | folders if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("name", sorted(material.TEMPLATES))
def test_every_template_has_prompts_to_replace(name: str) -> None:
    assert len(material.prompts(material.template(name))) >= 5


def test_the_two_forms_of_the_report_have_the_same_sections_and_prompts() -> None:
    markdown, tex = material.template("report"), material.template("report-tex")
    of_tex = re.findall(r"\\section\*?\{(.+)\}", tex)
    of_markdown = material.headings(markdown)
    assert of_markdown == ["Abstract", *of_tex, "References"]
    assert "8 pages at most" in " ".join(markdown.split())
    assert "8 pages at most" in tex


def test_the_tex_form_is_well_nested() -> None:
    """No TeX is needed for this: braces and environments close in the order they open."""
    text = re.sub(r"(?m)(?<!\\)%.*$", "", material.template("report-tex"))
    assert text.count("{") == text.count("}")
    stack = []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if verb == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []


@given(
    st.lists(
        st.tuples(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), st.text("ab \n", max_size=9)),
        min_size=1,
        unique_by=lambda pair: pair[0],
    ),
    st.data(),
)
def test_filling_a_section_leaves_the_others(
    sections: list[tuple[str, str]], data: st.DataObject
) -> None:
    text = "# Form\n\n" + "".join(f"## {name}\n\n{body}\n" for name, body in sections)
    chosen, _ = data.draw(st.sampled_from(sections))
    made = material.filled(text, {chosen: "FILLED"})
    assert material.headings(made) == [name for name, _ in sections]
    assert made.count("FILLED") == 1
    assert material.filled(made, {chosen: "FILLED"}) == made


def test_a_section_that_is_not_there_is_refused() -> None:
    with pytest.raises(LabFormatError, match="no section 'B'"):
        material.filled("## A\n", {"B": "text"})


@pytest.mark.parametrize("talk", rubrics.TALKS)
def test_rubrics_add_up_and_their_sheets_hold_every_level(talk: str) -> None:
    rubric = rubrics.find_rubric(talk)
    assert sum(criterion.points for criterion in rubric.criteria) == rubric.points == 20
    markdown, page = rubrics.as_markdown(rubric), rubrics.as_page(rubric)
    for criterion in rubric.criteria:
        assert f"## {criterion.name} ({criterion.points} points)" in markdown
        assert len(criterion.levels) >= 4
        texts = [level.text for level in criterion.levels]
        assert len(set(texts)) == len(texts)
        for level in criterion.levels:
            assert f"| {level.points} | {level.text} |" in markdown
            assert level.text.replace("'", "&#x27;") in page
    assert "<script" not in page


@pytest.mark.parametrize("talk", rubrics.TALKS)
def test_levels_describe_what_is_seen_and_judge_nobody(talk: str) -> None:
    vague = r"\b(good|bad|poor|excellent|adequate|weak|strong|nice|insufficient|very)\b"
    rubric = rubrics.find_rubric(talk)
    texts = [level.text for criterion in rubric.criteria for level in criterion.levels]
    assert [text for text in texts if re.search(vague, text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("points = 3\nnote", "points = 4\nnote", "4, and the criteria add up to 3"),
        ("points = 0, text", "points = 1, text", r"points \[1, 3\] do not rise from 0"),
        ("points = 3, text", "points = 0, text", r"points \[0, 0\] do not rise from 0"),
        ('asks = "Is it?"\n', "", "asks: is missing"),
        ("minutes = 5", "minutes = -5", "minutes: -5 is not a whole number"),
        ("title", "titel", "titel: unknown key; did you mean 'title'"),
        ("title =", "title", "cannot be read as TOML"),
    ],
)
def test_a_rubric_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text(RUBRIC, encoding="utf-8")
    assert rubrics.read_rubric(path).points == 3
    path.write_text(RUBRIC.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LabFormatError, match=message):
        rubrics.read_rubric(path)


def test_sheets_are_listed_and_unknown_ones_are_refused() -> None:
    listed = [name for name, _ in sheets.listing()]
    assert listed == sheets.names()
    assert all(sheets.sheet(name) for name in listed)
    with pytest.raises(UsageError, match="did you mean 'rubric-final'"):
        sheets.sheet("rubric-finale")
    with pytest.raises(UsageError, match=r"to be filled in, not printed; .* \.tex"):
        sheets.sheet("report-tex", suffix=".html")


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "a.md", "mine\n")
    with pytest.raises(UsageError, match="nothing is overwritten"):
        sheets.write(path, "yours\n")
    assert path.read_text(encoding="utf-8") == "mine\n"


def test_all_data_files_are_toml() -> None:
    for path in material.MATERIAL.rglob("*.toml"):
        assert tomllib.loads(path.read_text(encoding="utf-8"))
