"""What stays on a student's machine, and that nothing else is touched."""

import base64
import json
import zipfile

import nbformat
import pytest
from IPython.display import Audio
from nbformat.v4 import new_code_cell, new_notebook, new_output

from labs.engine import catalog, submit
from labs.engine.private import LEFT_OUT, without_private
from labs.engine.submitted import read_submitted

VOICE = bytes(range(256)) * 40
SECRET = base64.b64encode(VOICE).decode()


def shown(data: dict) -> nbformat.NotebookNode:
    return new_output("display_data", data=data)


def written(*cells, **metadata) -> bytes:
    return nbformat.writes(new_notebook(cells=cells, metadata=metadata)).encode()


WITH_SOUND = [
    {"text/html": f'<audio controls src="data:audio/wav;base64,{SECRET}"></audio>'},
    {"text/html": Audio(VOICE, rate=16_000)._repr_html_()},
    {"audio/wav": SECRET, "text/plain": "a sound"},
    {"text/html": ["<AUDIO ", f'SRC="x">{SECRET}']},
]


@pytest.mark.parametrize("data", WITH_SOUND)
def test_a_sound_is_left_out_and_the_rest_stays(data):
    plain = shown({"text/plain": "42"})
    notebook = written(new_code_cell("listen()", outputs=[plain, shown(data)]))
    kept = without_private(notebook)
    assert SECRET[:200].encode() not in kept
    (cell,) = json.loads(kept)["cells"]
    assert "".join(cell["source"]) == "listen()"
    assert cell["outputs"][0]["data"] == {"text/plain": ["42"]}
    assert cell["outputs"][1]["text"] == LEFT_OUT
    assert len(read_submitted(kept)["cells"]) == 1


def test_outputs_of_a_private_cell_and_the_state_of_widgets_are_left_out():
    picture = shown({"image/png": SECRET})
    cell = new_code_cell("hear()", metadata={"tags": ["private"]}, outputs=[picture, picture])
    state = {"application/vnd.jupyter.widget-state+json": {"state": {"value": SECRET}}}
    kept = without_private(written(cell, widgets=state))
    assert SECRET.encode() not in kept
    assert [each["text"] for each in json.loads(kept)["cells"][0]["outputs"]] == [LEFT_OUT] * 2
    assert without_private(kept) == kept


def test_a_notebook_without_anything_private_stays_as_it_is():
    content = b"\xef\xbb\xbf" + written(
        new_code_cell("1 + 1  # <audio is no sound here", outputs=[shown({"text/plain": "2"})])
    )
    assert without_private(content) is content


@pytest.mark.parametrize(
    "odd", [{"cells": None}, {"cells": [1, {"outputs": 3}]}, {"worksheets": 1}]
)
def test_an_odd_notebook_stays_as_it_is(odd):
    content = json.dumps(odd).encode()
    assert without_private(content) == content


def test_sheets_of_an_old_notebook_are_looked_through():
    old = {"worksheets": [{"cells": [{"outputs": [{"html": f"<audio src='{SECRET}'>"}]}]}]}
    assert SECRET.encode() not in without_private(json.dumps(old).encode())


def test_the_zip_of_the_lab_holds_no_sound(tmp_path):
    """Of the real lab, whose notebook plays clips and where a student left a recording."""
    lab = catalog.find_lab("mcu_compression")
    notebook = nbformat.read(lab.notebook, as_version=4)
    notebook.cells[-2] = new_code_cell("Audio(own)", outputs=[shown(WITH_SOUND[0])])
    path = tmp_path / lab.notebook.name
    nbformat.write(notebook, path)
    assert SECRET in path.read_text()
    target = submit.write_zip(submit.prepare(lab, path), tmp_path / "a.zip")
    with zipfile.ZipFile(target) as archive:
        content = archive.read(lab.notebook.name).decode()
    assert SECRET not in content
    assert LEFT_OUT.strip() in content
    assert "data:audio" not in content
