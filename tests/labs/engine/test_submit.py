"""The zip to hand in: what it holds, what the student is told, and that no file is lost."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from labs.engine import catalog, cli, submit
from labs.engine.errors import SubmissionError, UsageError

COLAB = "https://colab.research.google.com/drive/1a2B_c?usp=sharing"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that one is in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mine(folder, sheet):
    """The student's notebook in that folder."""
    path = folder / "quickstart.ipynb"
    path.write_bytes(sheet.bytes())
    return path


@pytest.fixture
def own_labs(folder, monkeypatch):
    """The labs as a student has them: the notebook worked in is the one handed out."""
    shutil.copytree(catalog.LABS_ROOT / "quickstart", folder / "labs" / "quickstart")
    monkeypatch.setattr(catalog, "LABS_ROOT", folder / "labs")
    return folder / "labs" / "quickstart" / "quickstart.ipynb"


def test_the_zip_holds_the_notebook_and_the_link(mine, capsys):
    assert cli.main(["submit", "quickstart", "--url", COLAB]) == 0
    stdout, stderr = capsys.readouterr()
    assert stderr == ""
    assert [line.split()[0] for line in stdout.splitlines()[:3]] == ["0.1", "0.2", "0.3"]
    assert stdout.count("found by its id") == 3
    assert stdout.endswith("quickstart.zip holds quickstart.ipynb: hand in this zip\n")
    with zipfile.ZipFile("quickstart.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["quickstart.ipynb", "url.txt"]
        assert archive.read("quickstart.ipynb") == mine.read_bytes()
        assert archive.read("url.txt").decode() == COLAB + "\n"


def test_the_same_notebook_gives_the_same_bytes(mine, folder):
    handin = submit.prepare(catalog.find_lab("quickstart"))
    first = submit.write_zip(handin, folder / "a.zip").read_bytes()
    assert submit.write_zip(handin, folder / "b.zip").read_bytes() == first
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_zip_of_ours_is_replaced_and_any_other_file_stays(mine, capsys):
    assert cli.main(["submit", "quickstart"]) == 0
    mine.write_bytes(mine.read_bytes() + b"\n")
    assert cli.main(["submit", "quickstart"]) == 0
    with zipfile.ZipFile("quickstart.zip", "a") as archive:
        assert archive.read("quickstart.ipynb") == mine.read_bytes()
        archive.writestr("my_notes.txt", "mine")  # keeps our mark
    for content in (Path("quickstart.zip").read_bytes(), b"no zip", b""):
        Path("quickstart.zip").write_bytes(content)
        capsys.readouterr()
        assert cli.main(["submit", "quickstart"]) == 2
        stdout, stderr = capsys.readouterr()
        assert stdout == ""
        assert "is there and is not from lab submit; move it away" in stderr
        assert Path("quickstart.zip").read_bytes() == content


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-o", "mine.ipynb"], "must end in .zip"),
        (["-o", "no/such/folder/a.zip"], "is no folder"),
        (["absent.ipynb"], "absent.ipynb is no file"),
        (["."], "is no file"),
        (["--url", "http://colab.research.google.com/x"], "is no link to a notebook"),
        (["--url", "javascript:alert(1)"], "is no link to a notebook"),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_written(mine, folder, capsys, words, reason):
    before = sorted(folder.iterdir())
    assert cli.main(["submit", "quickstart", *words]) == 2
    stdout, stderr = capsys.readouterr()
    assert (stdout, stderr.count("\n")) == ("", 1)
    assert reason in stderr
    assert sorted(folder.iterdir()) == before


def test_a_link_of_the_file_system_is_not_written_through(mine, folder):
    target = folder / "precious.txt"
    (folder / "quickstart.zip").symlink_to(target)
    assert cli.main(["submit", "quickstart"]) == 2
    assert not target.exists()


def test_what_is_no_notebook_is_refused_in_one_line(folder, capsys):
    Path("quickstart.ipynb").write_text("<html>")
    assert cli.main(["submit", "quickstart"]) == 1
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr == (
        "lab: quickstart.ipynb: the file is a web page, no notebook; "
        "save the notebook as .ipynb and hand that in\n"
    )
    assert not Path("quickstart.zip").exists()


def test_the_notebook_of_another_lab_is_refused(mine, capsys):
    assert cli.main(["submit", "mcu_compression", str(mine)]) == 1
    assert "not of 'mcu_compression'" in capsys.readouterr().err


def test_what_is_missing_is_said_with_what_to_do(sheet, folder, capsys):
    del sheet.cells[sheet.at("answer-0-1")]
    sheet.write("answer-0-2", sheet.base.cells[38].source)
    Path("other.ipynb").write_bytes(sheet.bytes())
    assert cli.main(["submit", "quickstart", "other.ipynb", "-o", "x.zip"]) == 0
    stdout, stderr = capsys.readouterr()
    assert [line.split("  ")[-1] for line in stdout.splitlines()[:3]] == [
        "not found",
        "not attempted",
        "found by its id",
    ]
    assert "let the first line of the cell be # Exercise 0.1" in stderr
    assert zipfile.ZipFile("x.zip").namelist() == ["quickstart.ipynb"]


def test_an_untouched_notebook_is_said_to_be_one(folder, capsys):
    assert cli.main(["submit", "quickstart"]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout.count("not attempted") == 3
    assert "no exercise is attempted in" in stderr
    assert "lab submit quickstart PATH" in stderr


# A student who works in the very notebook that was handed out: nothing untouched is left.


def findings(lab="quickstart"):
    handin = submit.prepare(catalog.find_lab(lab))
    return [row[3] for row in submit.rows(handin)], list(submit.remarks(handin))


def test_work_in_the_handed_out_notebook_is_found(own_labs, sheet):
    sheet.cell("cell-05")["outputs"] = [{"output_type": "stream", "name": "x", "text": "y"}]
    sheet.insert(5, "def helper(): pass")
    own_labs.write_bytes(sheet.bytes())
    assert findings() == (["found by its id"] * 3, [])


def test_an_executed_notebook_without_answers_is_not_attempted(own_labs, blank):
    for cell in blank.cells:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 1
    own_labs.write_bytes(blank.bytes())
    found, remarks = findings()
    assert found == ["not attempted"] * 3
    assert "no exercise is attempted" in remarks[0]


def test_deleted_answers_are_missed_and_moved_ones_found(own_labs, sheet):
    del sheet.cells[sheet.at("answer-0-3")]
    code = sheet.cells.pop(sheet.at("answer-0-1"))["source"]
    sheet.insert(10, code.replace("# Exercise 0.1\n", ""), id="cell-99")
    own_labs.write_bytes(sheet.bytes())
    found, remarks = findings()
    assert found[::2] == ["found by its functions", "not found"]
    assert "#### Exercise 0.3" in remarks[0]


def test_a_lab_without_a_readable_notebook_is_no_obstacle(own_labs, sheet, folder):
    own_labs.write_text("damaged")
    (folder / "quickstart.ipynb").write_bytes(sheet.bytes())
    assert findings()[0] == ["found by its id"] * 3
    own_labs.unlink()
    assert findings()[0] == ["found by its id"] * 3
    (folder / "quickstart.ipynb").unlink()
    with pytest.raises(UsageError, match=r"there is no quickstart\.ipynb here; give its path"):
        findings()


def test_a_file_too_large_is_not_read_whole(mine, monkeypatch):
    monkeypatch.setattr(submit, "MAX_BYTES", 10)
    monkeypatch.setattr("labs.engine.submitted.MAX_BYTES", 10)
    with pytest.raises(SubmissionError, match="more than the 10 bytes allowed"):
        submit.prepare(catalog.find_lab("quickstart"))


@pytest.mark.parametrize(
    "url",
    [
        COLAB,
        "https://github.com/anna/repo/blob/main/quickstart.ipynb",
        "https://www.kaggle.com:443/code/anna/x",
        f"  {COLAB}\n",
    ],
)
def test_links_to_notebooks_pass(url):
    assert submit.check_url(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "colab.research.google.com/drive/1",
        "https://evil.example/colab.research.google.com",
        "https://colab.research.google.com.evil.example/",
        "https://user@colab.research.google.com/",
        "https://evil.example\\@github.com/",
        "https://github.com:8080/",
        "https://github.com:x/",
        "https://[::1/",
        "https://github.com/a b",
        "https://github.com/\u202egnp",
        "https://github.com/" + "a" * 500,
        "file:///etc/passwd",
    ],
)
def test_other_links_are_refused_in_one_line(url):
    with pytest.raises(UsageError, match="is no link to a notebook") as caught:
        submit.check_url(url)
    assert "\n" not in str(caught.value)


def test_it_works_where_grading_is_not_included(mine, folder):
    """As in the handout; nor does it load what only a notebook needs."""
    code = (
        "import sys; sys.modules['grading'] = None\n"
        "from labs.engine import cli; code = cli.main(['submit', 'quickstart'])\n"
        "heavy = {'torch', 'matplotlib', 'papermill', 'nbformat', 'IPython', 'PIL'}\n"
        "print(code, heavy & {name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(catalog.LABS_ROOT.parent)},
    )
    assert done.stdout.splitlines()[-1] == "0 set()"
    assert json.loads(zipfile.ZipFile("quickstart.zip").read("quickstart.ipynb"))
