"""Zips that are the same bytes, and hold no path that leads elsewhere."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.moodle.zips import zip_bytes


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[äb]{1,2})?", fullmatch=True), st.binary()))
def test_a_round_trip(files):
    content = zip_bytes(files)
    assert content == zip_bytes(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == sorted(files)
        assert {name: archive.read(name) for name in files} == files
        assert {info.external_attr >> 16 for info in archive.infolist()} <= {0o100644}


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/..", "a\\b", "c:x", "a\nb", "a\0"])
def test_a_path_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        zip_bytes({name: b""})
