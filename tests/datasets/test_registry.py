"""The registry holds together: every set has files, hashes and a card that says what it is."""

import re
import tomllib
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from course_utils import data
from course_utils.errors import DataError

DATASETS = data.list_datasets()
FILES = [(each, file) for each in DATASETS for file in each.files]
CARD_PARTS = (
    "What it is",
    "Origin",
    "Licence",
    "Size and splits",
    "How it was collected",
    "Known biases and limits",
    "Use here",
    "Check",
    "Citation",
)
by_name = pytest.mark.parametrize("dataset", DATASETS, ids=lambda each: each.name)


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_embedded_defaults_come_first() -> None:
    assert [each.name for each in DATASETS] == [
        "digits",
        "keywords_synthetic",
        "tinyshakespeare",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "keywords_synthetic_full",
        "speech_commands",
        "speech_commands_full",
        "speech_commands_noise",
        "speech_commands_v1_sample",
        "spoken_digits",
    ]
    assert [bool(each.embedded) for each in DATASETS] == [True] * 3 + [False] * 9
    assert {each.download_bytes for each in DATASETS if each.embedded} == {0}


@by_name
def test_every_field_is_filled_with_one_line(dataset: data.DatasetInfo) -> None:
    for field in ("name", "title", "licence", "source", "citation", "reader"):
        text = getattr(dataset, field)
        assert text.strip() == text
        assert text
        assert "\n" not in text
    assert urlsplit(dataset.source).scheme == "https"


@by_name
def test_a_set_is_embedded_or_has_files_for_each_split(dataset: data.DatasetInfo) -> None:
    assert dataset.embedded or dataset.files
    assert bool(dataset.sha256) == (not dataset.files), "a set without files has a hash of its own"
    if dataset.files:
        assert {split for file in dataset.files for split in file.splits} == set(dataset.splits)
    assert all(count > 0 for count in dataset.splits.values())


@pytest.mark.parametrize(("dataset", "file"), FILES, ids=lambda each: getattr(each, "path", ""))
def test_a_file_can_be_had_and_checked(dataset: data.DatasetInfo, file: data.DataFile) -> None:
    if file.url:
        assert urlsplit(file.url).scheme in {"http", "https"}
        assert PurePosixPath(urlsplit(file.url).path).name == PurePosixPath(file.path).name
    if file.url or file.maker or dataset.embedded:
        assert PurePosixPath(file.path).parent.name == dataset.name
    if file.maker:
        assert not file.url
        assert (data.registry_folder() / file.maker.split()[0]).is_file()
    if dataset.embedded:
        assert (data.registry_folder() / file.path).is_file()
    for form in (file, *file.also):
        assert re.fullmatch("[0-9a-f]{64}", form.sha256)
        assert form.size_bytes > 0
        assert ".." not in PurePosixPath(form.path).parts
        assert not PurePosixPath(form.path).is_absolute()
    for form in file.also:
        assert (form.url, form.splits, form.also) == ("", (), ())


def test_files_that_share_a_place_are_the_same() -> None:
    """The noise lies in an archive of its own, and in the whole one."""
    forms = [form for _, file in FILES for form in (file, *file.also)]
    known = {form.path: (form.size_bytes, form.sha256) for form in forms}
    assert all(known[form.path] == (form.size_bytes, form.sha256) for form in forms)
    assert len({sha256 for _, sha256 in known.values()}) == len(known)


def test_sets_that_cannot_be_had_elsewhere_are_few() -> None:
    given = [each.name for each, f in FILES if not (f.url or f.maker or each.embedded)]
    assert given == ["speech_commands_noise", "speech_commands_v1_sample", "spoken_digits"]


def test_speech_is_in_the_order_of_mlperf_tiny() -> None:
    order = "down go left no off on right stop up yes _silence_ _unknown_".split()  # noqa: SIM905
    for each in DATASETS:
        if each.reader == "keywords":
            assert list(each.classes) == order


def test_the_text_that_cc_by_asks_for_is_in_the_cards() -> None:
    for each in DATASETS:
        if each.name.startswith("speech_commands"):
            card = words(each.card.read_text(encoding="utf-8"))
            assert "CC BY 4.0. Attribution: Warden P." in card
            assert "Changes" in card


def test_every_bundled_file_is_registered() -> None:
    folder = data.registry_folder()
    registered = {file.path for each, file in FILES if each.embedded}
    ours = [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]
    apart = ("cards", "makers")  # each has tests of its own
    lying = {path.relative_to(folder) for path in ours if path.suffix != ".pyc"}
    assert {p.as_posix() for p in lying if p.parts[0] not in apart} == registered
    assert sum((folder / path).stat().st_size for path in registered) < 10e6


@by_name
def test_the_card_says_what_the_registry_says(dataset: data.DatasetInfo) -> None:
    card = dataset.card.read_text(encoding="utf-8")
    assert card.startswith(f"# {dataset.name}\n")
    assert re.findall(r"^\*\*(.+?)\.\*\*", card, re.MULTILINE) == list(CARD_PARTS)
    assert words(dataset.citation) in words(card)
    for split, count in dataset.splits.items():
        assert re.search(rf"^\| {split} \| {count:,} \|", card, re.MULTILINE), split
    if dataset.files:
        megabytes = sum(file.size_bytes for file in dataset.files) / 1e6
        assert f"{megabytes:.1f} MB" in card
        assert (f"{megabytes:.1f} MB to download" in card) == bool(dataset.download_bytes)


def test_every_card_belongs_to_a_set() -> None:
    cards = {path.stem for path in (data.registry_folder() / "cards").iterdir()}
    assert cards == {each.name for each in DATASETS}


def test_the_readme_lists_every_set_and_every_key() -> None:
    readme = (data.registry_folder() / "README.md").read_text(encoding="utf-8")
    for each in DATASETS:
        assert f"(cards/{each.name}.md)" in readme
        if each.download_bytes:
            assert f"{each.download_bytes / 1e6:.1f} MB" in readme
    text = (data.registry_folder() / "registry.toml").read_text(encoding="utf-8")
    for entry in tomllib.loads(text).values():
        for key in (*entry, *(key for file in entry.get("files", []) for key in file)):
            assert f"`{key}`" in readme or f".{key}]]`" in readme, key


def test_names_agree_with_torchvision() -> None:
    published = data.import_torchvision().datasets
    known = {each.name: each for each in DATASETS}
    for name in ("mnist", "fashion_mnist"):
        reader = getattr(published, known[name].reader)
        names = {resource for resource, _ in reader.resources}
        assert {PurePosixPath(file.path).name for file in known[name].files} == names
    assert list(known["fashion_mnist"].classes) == published.FashionMNIST.classes
    assert known["cifar10"].files[0].url == published.CIFAR10.url


def test_text_splits_cover_the_text() -> None:
    text = next(each for each in DATASETS if each.reader == "text")
    # Each split loses its last character, which has no successor in it.
    assert sum(text.splits.values()) + len(text.splits) == text.files[0].size_bytes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[toy", "Expected"),
        ("toy = 1", "get"),
        ('[toy]\ntitle = "a"\n', "licence"),
        ('[toy]\ntitel = "a"\n', "titel"),
        ('[toy]\ntitle = "a"\n[[toy.files]]\nmd5 = "b"\n', "md5"),
        ('[toy]\ntitle = "a"\n[[toy.files]]\npath = "b"\n', "sha256"),
    ],
    ids=["not TOML", "no table", "missing key", "unknown key", "no sha256 but md5", "no hash"],
)
def test_a_wrong_registry_is_refused(text: str, named: str) -> None:
    with pytest.raises(DataError, match=named) as caught:
        data.parse_registry(text)
    assert "\n" not in str(caught.value)
