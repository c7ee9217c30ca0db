"""What a student's run showed comes back as text and pixels, never as anything that acts."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labs.engine import rebuild, shown
from labs.engine.shown import (
    MAX_OUTPUTS,
    MAX_TEXT,
    Shown,
    attached,
    has_unseen,
    one_line,
    plain,
    reencoded,
    show,
    without_pictures,
)


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", **options)
    return base64.b64encode(file.getvalue()).decode()


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def display(**data):
    return {
        "output_type": "display_data",
        "data": {k.replace("_", "/"): v for k, v in data.items()},
    }


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth=8):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))


START = b"\x89PNG\r\n\x1a\n"
RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[1;31mError\x1b[0m", "Error"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("a\x08b\x07\x7f\x9b", "ab"),
        ("10%\r 50%\r100%\nnext\r\n", "100%\nnext"),
        ("a\u202eb\u2066c\u200b\ufeff", "abc"),
        ("a\u2028b", "a\nb"),
        ("tab\there", "tab\there"),
        ("\ud800 \0", "? \ufffd"),
        ("<script>$x$</script>", "<script>$x$</script>"),  # whoever shows it escapes it
        ("naïve 数 ±", "naïve 数 ±"),
    ],
)
def test_text_loses_what_acts(text, seen):
    assert plain(text) == seen


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b[]m\x07\r\n\u202e"), max_size=100))
def test_any_text_becomes_plain_and_stays_so(text):
    once = plain(text)
    assert once.encode().decode() == once
    assert not set(once) & {chr(c) for c in [*range(9), *range(11, 32), 127, 0x202E, 0x1B]}
    assert plain(once) == once
    assert "\n" not in one_line(text)
    assert not has_unseen(once)


def test_long_text_is_cut_and_the_rest_counted():
    assert plain("x" * (MAX_TEXT + 1_234)) == "x" * MAX_TEXT + " ... and 1,234 more characters"
    assert len(plain("\x1b[31mx" * 1_000_000)) < MAX_TEXT + 50
    assert len(one_line("word " * 1000)) < 70


def test_outputs_become_texts_in_their_order():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
        {"output_type": "stream", "name": "stderr", "text": "c"},
        display(text_plain="repr", text_html="<b>x</b>"),
        display(text_html="<script>"),
        display(image_svg="<svg/>", **{"application/javascript": "x"}),
        {"output_type": "execute_result", "data": {"text/plain": ["4"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["secret"]},
    ]
    found = show([outputs])
    assert [each.text for each in found] == [
        "a\nbc",
        "repr",
        shown.NOT_SHOWN,
        shown.NOT_SHOWN,
        "4",
        "ValueError: no",
    ]
    assert {each.kind for each in found} == {"text"}


def test_only_the_last_outputs_are_shown():
    outputs = [display(text_plain=str(n)) for n in range(50)]
    assert [each.text for each in show([outputs])] == [str(n) for n in range(50 - MAX_OUTPUTS, 50)]


def test_streams_of_two_cells_are_two_outputs():
    cell = [{"output_type": "stream", "text": "a"}]
    assert show([cell, cell]) == (Shown("text", "a"), Shown("text", "a"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_a_picture_keeps_its_pixels_and_nothing_else(mode):
    image = Image.fromarray(PIXELS).convert(mode)
    file = io.BytesIO()
    image.save(file, "png")
    kept = reencoded(base64.b64encode(file.getvalue()).decode())
    kind = "RGBA" if mode == "RGBA" else "RGB"
    assert np.array_equal(pixels_of(kept), np.asarray(image.convert(kind)))
    assert kept == reencoded(base64.b64encode(kept).decode())


def test_what_hides_in_a_picture_is_gone():
    secret = b"<script>alert(1)</script>"
    content = base64.b64decode(png(PIXELS))
    at = len(START) + 25
    hidden = content[:at] + chunk(b"tEXt", b"k\0" + secret) + content[at:] + secret
    kept = reencoded(base64.b64encode(hidden).decode())
    assert secret not in kept
    assert np.array_equal(pixels_of(kept), PIXELS)
    assert {kept[i : i + 4] for i in range(len(kept))} & {
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"eXIf",
    } == set()


def test_a_large_picture_is_made_smaller():
    kept = pixels_of(reencoded(png(np.zeros((100, 2_000, 3), np.uint8))))
    assert kept.shape == (50, 1_000, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        START,
        START + header(1, 1),
        START + header(0, 5) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
        START + header(60_000, 60_000) + chunk(b"IDAT", zlib.compress(bytes(10_000_000))),
        START + header(2_000, 2_001) + chunk(b"IDAT", zlib.compress(bytes(13_000_000))),
        START + header(9, 9) + header(9, 9) + chunk(b"IDAT", b"x"),
        START + header(9, 9, depth=77) + chunk(b"IDAT", zlib.compress(bytes(999))),
        START + chunk(b"IDAT", b"x") + header(9, 9),
        START + b"\xff\xff\xff\xffIHDR" + b"x" * 30,
        START + chunk(b"IHDR", b"short") + chunk(b"IDAT", b"x"),
        b"\x89PNG\r\n\x1a\n" + b"\0" * 5_000_000,
    ],
    ids=range(13),
)
def test_what_is_no_picture_or_a_bomb_is_a_note(content):
    encoded = base64.b64encode(content).decode()
    assert reencoded(encoded) == b""
    (note,) = show([[display(image_png=encoded, text_plain="<Figure>")]])
    assert note == Shown("text", shown.NO_PICTURE)


def test_a_compressed_bomb_costs_no_more_than_its_pixels():
    bomb = START + header(10, 10) + chunk(b"IDAT", zlib.compress(bytes(100_000_000), 9))
    assert len(reencoded(base64.b64encode(bomb + chunk(b"IEND", b"")).decode())) < 1_000


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_picture_is_a_picture_or_none(data):
    content = bytearray(base64.b64decode(png(PIXELS)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    kept = reencoded(base64.b64encode(bytes(content)).decode())
    assert kept == b"" or pixels_of(kept).shape[2] in (3, 4)


def test_few_pictures_are_decoded_and_the_last_ones(monkeypatch):
    decoded = []
    monkeypatch.setattr(shown, "reencoded", lambda text: decoded.append(text) or b"png")
    outputs = [display(image_png=str(n), text_plain="alt") for n in range(30)]
    found = show([outputs])
    assert decoded == ["29", "28", "27", "26"]
    assert found == (Shown("picture", "alt", b"png"),) * 4
    assert show([outputs], pictures=0) == ()
    assert without_pictures(outputs) == []


def test_pictures_pasted_into_a_text_are_shown():
    bundles = {"a.png": {"image/png": png(PIXELS)}, "b.svg": {"image/svg+xml": "x"}, "c": 3}
    (one,) = show([attached(bundles)])
    assert (one.kind, one.text) == ("picture", "")
    assert np.array_equal(pixels_of(one.png), PIXELS)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text/plain", "image/png", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["output_type", "text", "data", "ename", "evalue"]
OUTPUT = st.dictionaries(
    st.sampled_from(KEYS), st.sampled_from(["stream", "error", "display_data"]) | JSON
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(OUTPUT, max_size=5), max_size=3))
def test_any_outputs_are_shown(cells):
    for each in show(cells):
        assert each.text
        assert isinstance(each.png, bytes)


# Which outputs belong to which exercise.


def test_evidence_stands_with_its_exercise(sheet):
    def says(text):
        return [{"output_type": "stream", "name": "stdout", "text": text}]

    sheet.cell("answer-0-1")["outputs"] = says("answer")
    sheet.cell("check-0-1")["outputs"] = [display(text_plain="4", text_html="<b>")]
    sheet.cell("cell-12")["outputs"] = [*says("trained"), display(image_png=png(PIXELS))]
    sheet.insert(sheet.at("answer-0-2"), "print('own')", outputs=says("own"))
    sheet.cell("answer-0-3")["attachments"] = {"a.png": {"image/png": png(PIXELS)}}
    answers = sheet.rebuilt().answers
    assert [each.text for each in answers["0.1"].shown] == ["answer", "4"]
    assert [each.text for each in answers["0.2"].shown] == ["own"]
    assert [(each.kind, each.text) for each in answers["0.3"].shown] == [
        ("text", "trained"),
        ("picture", ""),
    ]


def test_all_evidence_together_is_limited(sheet, monkeypatch):
    monkeypatch.setattr(rebuild, "MAX_SHOWN", 10)
    monkeypatch.setattr(rebuild, "MAX_SHOWN_PICTURES", 1)
    picture = display(image_png=png(PIXELS))
    sheet.cell("answer-0-1")["outputs"] = [picture, display(text_plain="123456")]
    sheet.cell("answer-0-2")["outputs"] = [picture, display(text_plain="123456")]
    answers = sheet.rebuilt().answers
    assert [each.kind for each in answers["0.1"].shown] == ["picture", "text"]
    assert answers["0.2"].shown == ()
