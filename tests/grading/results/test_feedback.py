"""The feedback page: what it says, and that no text of a student becomes more than text."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grading.results.feedback import STATUSES, feedback_html
from grading.verdict import CaseVerdict, ExerciseVerdict, Verdict
from labs.engine import pages
from labs.engine.catalog import find_lab
from labs.engine.rebuild import Answer, Shown

LAB = find_lab("quickstart")
ASKED = "With a stride of s only every s-th row and column is computed."
TAGS = set(
    "html head meta title style body main p h1 h2 h3 div table caption thead tbody tr th td a "  # noqa: SIM905
    "span article ul li pre code figure figcaption img small dl dt dd".split()
)
PAYLOADS = [
    "<script>alert(1)</script>",
    "</pre></style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "[x](javascript:alert(1)) https://x.invalid/",
    "$\\href{javascript:alert(1)}{x}$ \\(x\\)",
    "\x1b[31mred\x1b]8;;http://x.invalid\x07link\x1b]8;;\x07 \x9b31m",
    "\u202etxt.exe\u2066 \u200b\ufeff\x00\x08\x7f \ud800\udfff \uffff",
    "&lt;b&gt; &#60;script&#62; ]]> <!-- --> <![CDATA[",
    "Z" + "\u0335" * 500,
]
hostile = st.one_of(
    st.sampled_from(PAYLOADS),
    st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=60),
)


class Page(HTMLParser):
    """What a browser makes of a page: its tags in order, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.texts.append(("", " "))
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")
        self.texts.append(("", " "))

    def handle_data(self, data):
        self.texts.append((self.tags[-1] if self.tags else "", data))

    @property
    def text(self):
        return " ".join("".join(data for tag, data in self.texts if tag != "style").split())


def png(width=40, height=20):
    file = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(file, "PNG")
    return file.getvalue()


def case(name="a_case", *, passed=False, is_hidden=False, text="wrong", sentence=ASKED):
    return CaseVerdict(name, sentence, is_hidden, 1.0, passed, text, ((f"f({text})", text),))


def submission(text):
    """A verdict and answers with one text of a student wherever there can be one."""
    cases = (case(text=text), case(passed=True), case("secret", is_hidden=True, text="SECRET"))
    exercises = (
        ExerciseVerdict("0.1", "partly", 1.5, 4.0, text, cases, notes=("for a person",)),
        ExerciseVerdict("0.2", "stopped", 0.0, 4.0, text),
        ExerciseVerdict("0.3", "to mark", None, 2.0, "A person marks this text."),
    )
    shown = (Shown("text", text), Shown("picture", text, png()))
    answers = {
        "0.1": Answer("0.1", "by its functions", True, text, shown, notes=(text,)),
        "0.3": Answer("0.3", "by its id", True, text),
    }
    return Verdict(text, "needs_marking", exercises, notes=("for a person",)), answers


def made(text="harmless", **changes):
    verdict, answers = submission(text)
    options = {"answers": answers, "total": 1.5, "max_total": 10, "late": text} | changes
    return feedback_html(LAB, verdict, **options)


def simple(*exercises, answers=None, **changes):
    verdict = Verdict("s1", "graded", exercises)
    options = {"answers": answers or {}, "total": verdict.points, "max_total": 10} | changes
    return Page(feedback_html(LAB, verdict, **options)).text


@given(hostile)
def test_a_hostile_text_changes_no_tag(text):
    found = made(text)
    page, harmless = Page(found), Page(made())
    assert page.tags == harmless.tags
    assert set(page.tags) <= TAGS | {f"/{tag}" for tag in TAGS}
    assert len(found.encode("utf-8")) < 60_000


@given(hostile)
def test_no_attribute_runs_or_fetches_anything(text):
    for tag, name, value in Page(made(text)).attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        if name == "href":
            assert re.fullmatch(r"#exercise-\d+", value)
        if name == "src":
            assert value.startswith("data:image/png;base64,")


@given(hostile)
def test_nothing_on_the_page_hides_or_steers(text):
    unseen = [c for c in made(text) if c not in "\n\t" and not c.isprintable() and not c.isspace()]
    assert set(unseen) <= set(pages._JOINERS) | {c for c in unseen if pages._named(c) == c}
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", made(text)
    )


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1))
def test_what_can_be_seen_is_shown_as_it_was_written(text):
    found = Page(made(text))
    assert "".join(data for tag, data in found.texts if tag == "pre").count(text) >= 2


def test_the_same_verdict_gives_the_same_bytes():
    assert made("a\ud800b") == made("a\ud800b")


def test_a_hidden_case_shows_its_sentence_and_nothing_else():
    hidden = [
        CaseVerdict(f"NAME{n}", sentence, True, 1.0, n > 2, "MESSAGE", (("CALL", "ANSWER"),))
        for n, sentence in enumerate([ASKED, ASKED, "Biases cost no MACs.", "It adds.", "It adds."])
    ]
    verdict = ExerciseVerdict("0.1", "partly", 1.6, 4.0, "2 of 5 cases pass.", tuple(hidden))
    page = feedback_html(
        LAB, Verdict("s1", "graded", (verdict,)), answers={}, total=1.6, max_total=10
    )
    for secret in ("NAME", "MESSAGE", "CALL", "ANSWER"):
        assert secret not in page
    text = Page(page).text
    assert "Further cases: 2 of 5 pass" in text
    assert f"2 further cases fail: {ASKED}" in text
    assert "A further case fails: Biases cost no MACs." in text
    assert "It adds." not in text


def test_what_is_for_instructors_stays_with_them():
    assert "for a person" not in made()
    assert "SECRET" not in made()


def test_an_open_case_says_what_is_wrong_and_what_was_called():
    text = simple(
        ExerciseVerdict("0.1", "partly", 2, 4, "1 of 2 pass.", (case(), case(passed=True)))
    )
    assert "Open cases: 1 of 2 pass" in text
    assert f"fails {ASKED} What is wrong: wrong" in text
    assert text.count("What is wrong") == 1
    assert "f(wrong) wrong" in text


def test_totals_say_what_is_open_and_what_lateness_cost():
    text = Page(made(late="2 days late: 20 % less.", total=1.2)).text
    assert "1.2 of 10 points so far" in text
    assert "Still to be marked by a person: 0.3 (2 points)." in text
    assert "2 days late: 20 % less. Before the late rule: 1.5 points." in text
    full = simple(ExerciseVerdict("0.1", "passed", 4.0, 4.0, "All cases pass."))
    assert "4 of 10 points Your exercises" in full
    assert "late" not in full.split("How to read")[0]


def test_a_refused_submission_says_why():
    verdict = Verdict("s1", "refused", problem="the zip leads outside: ../x <b>")
    text = Page(feedback_html(LAB, verdict, answers={}, total=0, max_total=10)).text
    assert "Your submission could not be graded." in text
    assert "the zip leads outside: ../x <b>" in text


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_shown_in_words_and_explained(status):
    word, _, meaning = STATUSES[status]
    points = None if status == "to mark" else 0.0
    text = simple(ExerciseVerdict("0.1", status, points, 4.0, "A sentence."))
    assert f"4 {word} A sentence." in text
    assert meaning in text


def test_a_text_with_points_is_marked():
    text = simple(ExerciseVerdict("0.3", "to mark", 1.5, 2.0, "A sentence."))
    assert "1.5 2 marked A sentence." in text
    assert "1.5 of 10 points Your exercises" in text


def test_what_the_lab_does_not_know_is_shown_all_the_same():
    verdict = ExerciseVerdict("7.7", "odd", float("nan"), 4.0, "")
    assert "7.7" in simple(verdict, total=float("inf"))


def test_long_texts_are_cut_and_say_so():
    line, lines = "W" * 1_000_000, "x = 1\n" * 100_000
    cases = (case(text=line), CaseVerdict("b", line, False, 1.0, False, lines, ((line, line),) * 9))
    answers = {
        "0.1": Answer("0.1", "by its id", True, lines, (Shown("text", line),) * 40, (line,) * 99)
    }
    verdict = ExerciseVerdict("0.1", "failed", 0.0, 4.0, line, cases * 100)
    page = feedback_html(
        LAB, Verdict(line, "graded", (verdict,)), answers=answers, total=0, max_total=10, late=line
    )
    assert len(page) < 300_000
    text = Page(page).text
    assert "Shortened: the first 2,399 of 600,000 characters." in text  # 400 lines and their ends
    assert "(999,600 characters more)" in text
    assert "34 further outputs not shown here." in text
    assert "150 more are not listed." in text


def test_a_picture_is_part_of_the_page():
    answer = Answer("0.1", "by its id", True, "x", (Shown("picture", "a <curve>", png()),))
    page = feedback_html(
        LAB,
        Verdict("s1", "graded", (ExerciseVerdict("0.1", "passed", 4.0, 4.0, "Right."),)),
        answers={"0.1": answer},
        total=4,
        max_total=10,
    )
    (source,) = [value for tag, name, value in Page(page).attributes if name == "src"]
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == png()
    assert ("img", "alt", "a <curve>") in Page(page).attributes
    assert "As submitted, not verified" in page


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"\x89PNG\r\n\x1a\n",
        png()[:16] + b"\xff\xff\xff\xff" * 2 + png()[24:],  # sides of 4 billion
        b"\x89PNG\r\n\x1a\n" + bytes(pages.MAX_PICTURE_BYTES),
        b"GIF89a" + bytes(100),
    ],
)
def test_what_is_no_picture_of_a_usual_size_is_a_sentence(content):
    assert "<img" not in pages.picture(content, alt="x")
    assert "picture" in pages.picture(content, alt="x")


def test_pictures_are_few():
    shown = (Shown("picture", "", png()),) * 5
    verdicts = [ExerciseVerdict(f"0.{n}", "passed", 1.0, 1.0, "Right.") for n in range(1, 8)]
    answers = {f"0.{n}": Answer(f"0.{n}", "by its id", True, "x", shown) for n in range(1, 8)}
    page = feedback_html(
        LAB, Verdict("s1", "graded", tuple(verdicts)), answers=answers, total=7, max_total=7
    )
    assert page.count("<img") == 8
    assert "A further picture is not shown here." in page


def test_the_policy_names_the_very_style_sheet():
    page = made()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def luminance(colour):
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", pages.SHADES)
def test_every_text_can_be_told_from_its_ground(mode):
    for name, pair in pages.SHADES[mode].items():
        dark, light = sorted(map(luminance, pair))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name  # AA for text of any size


@pytest.mark.browser
def test_a_browser_shows_it_and_does_nothing_else(tmp_path, browser_path):
    playwright = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "feedback.html"
    path.write_text(made(" ".join(PAYLOADS)), encoding="utf-8")
    seen = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 800, "height": 600})
        page.on("console", lambda message: seen.append(message.text))
        page.on("dialog", lambda dialog: seen.append(dialog.message))
        page.on("request", lambda request: seen.append(request.url))
        page.goto(path.as_uri())
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "800px"  # styled
        assert page.evaluate("document.documentElement.scrollWidth") <= 800
        assert page.evaluate("document.scripts.length + document.links.length") == 3  # our anchors
        browser.close()
    assert [url for url in seen if not url.startswith("data:image/png")] == [path.as_uri()]


def test_a_student_can_work_the_points_out_where_cases_weigh_differently():
    light = CaseVerdict("light", "It adds.", False, 1.0, True)
    heavy = CaseVerdict("heavy", ASKED, False, 2.0, False, "wrong")
    cases = (light, heavy)
    verdict = ExerciseVerdict("0.1", "partly", 1.33, 4.0, "1 of 2 cases pass.", cases)
    html = feedback_html(
        LAB, Verdict("s1", "graded", (verdict,)), answers={}, total=1.33, max_total=10.0
    )
    assert "1.33 of 4 points: some cases count more, and those that count are 1 of 3 parts" in html
