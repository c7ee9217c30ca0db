"""Attacks on the notebook file: each function changes a notebook, or returns other bytes for it.

A function takes the notebook as it would be handed in, with the right answer to one exercise and a
wrong one to the other, and a `Desk` that says which cells are which. It changes the notebook in
place and returns nothing, or returns the bytes to hand in; files beside the notebook go into
``desk.files``.
"""

import base64
import copy
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

Notebook = dict[str, Any]
Cell = dict[str, Any]
SCRIPT = "<script>alert('dcy')</script>"


@dataclass
class Desk:
    """Where the cells of the attacked exercise are, in a list of cells."""

    answer: int
    check: int
    other_answer: int
    drop: str
    files: dict[str, bytes] = field(default_factory=dict)


def code_cell(source: str, **metadata: Any) -> Cell:
    """Return a code cell."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"own-{abs(hash(source)) % 10**8}",
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def check_edited(notebook: Notebook, desk: Desk) -> None:
    """Empty the check."""
    notebook["cells"][desk.check]["source"] = "4.0"


def check_deleted(notebook: Notebook, desk: Desk) -> None:
    """Leave the check out."""
    del notebook["cells"][desk.check]


def check_copied(notebook: Notebook, desk: Desk) -> None:
    """Put copies of answer and check at the end, and the check at the top."""
    cells = notebook["cells"]
    cells += [copy.deepcopy(cells[desk.answer]), copy.deepcopy(cells[desk.check])]
    cells.insert(0, copy.deepcopy(cells[desk.check]))


def check_skipped(notebook: Notebook, desk: Desk) -> None:
    """Tag the check with everything that makes a tool look away."""
    tags = ["skip-execution", "nbval-skip", "nbval-ignore-output", "raises-exception"]
    notebook["cells"][desk.check]["metadata"]["tags"] = tags


def points_raised(notebook: Notebook, desk: Desk) -> None:
    """Claim 100 points, a solution cell that is a test, and no locks."""
    for index in (desk.answer, desk.check):
        metadata = notebook["cells"][index]["metadata"]
        claimed = {"grade": True, "solution": True, "locked": False, "points": 100}
        metadata["nbgrader"] = {**metadata.get("nbgrader", {}), **claimed}
        metadata["course"] = {"exercise": "0.1", "role": "given", "points": 100}
    del notebook["cells"][desk.check]["metadata"]["course"]
    notebook["cells"][desk.check]["source"] = "100"
    notebook["metadata"]["course"] = {"lab": "quickstart", "notebook": "reference", "points": 100}


def roles_swapped(notebook: Notebook, desk: Desk) -> None:
    """Give the check's identity to a cell that shows the points."""
    check = notebook["cells"][desk.check]
    forged = code_cell("print('4 of 4 points')\n4.0", **copy.deepcopy(check["metadata"]))
    forged["id"] = check.get("id", "x")
    check["cell_type"], check["metadata"] = "markdown", {}
    notebook["cells"].insert(desk.check, forged)


def answer_copied(notebook: Notebook, desk: Desk) -> None:
    """Put the other exercise's right answer under this one's id as well."""
    cells = notebook["cells"]
    forged = copy.deepcopy(cells[desk.other_answer])
    forged["metadata"] = copy.deepcopy(cells[desk.answer]["metadata"])
    cells.insert(0, forged)


def parameters_forged(notebook: Notebook, desk: Desk) -> None:
    """Add cells that papermill takes for its own, and a check that those turn off."""
    forged = code_cell("conv_cost = type('R', (), {'__eq__': lambda s, o: True})()", tags=[])
    forged["metadata"]["tags"] = ["parameters", "injected-parameters"]
    forged["source"] = (
        "class R(tuple):\n    __eq__ = lambda self, other: True\n"
        "conv_cost = lambda *args: R((0, 0))\nepochs = 10**9"
    )
    notebook["cells"].insert(desk.check, forged)
    notebook["metadata"]["papermill"] = {"parameters": {"epochs": 10**9}, "output_path": desk.drop}


def foreign_kernel(notebook: Notebook, desk: Desk) -> None:
    """Ask for a kernel whose command line does the harm."""
    argv = ["sh", "-c", f"touch {desk.drop}/dcy"]
    kernel = {"name": "../../dcy", "display_name": "x", "language": "bash", "argv": argv}
    notebook["metadata"]["kernelspec"] = kernel
    notebook["metadata"]["language_info"] = {"name": "bash", "version": SCRIPT}


def outputs_forged(notebook: Notebook, desk: Desk) -> None:
    """Show full points in the saved outputs."""
    data = {"text/plain": "4", "text/html": "<b>4 of 4 points</b>"}
    shown = {"output_type": "execute_result", "execution_count": 1, "data": data, "metadata": {}}
    notebook["cells"][desk.check]["outputs"] = [shown]
    notebook["cells"][desk.check]["execution_count"] = 1


def hostile_outputs(notebook: Notebook, desk: Desk) -> None:
    """Save outputs that do harm where they are shown, or where they are decoded."""
    kinds = {
        "text/html": SCRIPT,
        "text/plain": SCRIPT,
        "text/markdown": f"[x](javascript:alert(1)) {SCRIPT}",
        "text/latex": "$$\\input{/etc/passwd}$$",
        "image/svg+xml": f"<svg>{SCRIPT}</svg>",
        "image/png": "iVBORw0KGgo" + "A" * 400,
        "image/jpeg": [1, None, {"a": 2}],
        "application/javascript": "alert('dcy')",
        "application/vnd.jupyter.widget-view+json": {"model_id": SCRIPT, "version_major": 2},
    }
    outputs = [{"output_type": "display_data", "data": kinds, "metadata": {"x": SCRIPT}}]
    outputs += [{"output_type": "stream", "name": SCRIPT, "text": ["\x1b[2J", SCRIPT]}]
    outputs += [{"output_type": "error", "ename": SCRIPT, "evalue": SCRIPT, "traceback": [SCRIPT]}]
    outputs += [{"output_type": "update_display_data"}, None, [], {"data": 3}, "text"]
    for index in (desk.answer, desk.check):
        notebook["cells"][index]["outputs"] = copy.deepcopy(outputs)
    notebook["metadata"]["widgets"] = {"application/x": {"state": {SCRIPT: SCRIPT}}}


def hostile_names(notebook: Notebook, desk: Desk) -> None:
    """Put paths, markup and formulas wherever a notebook has a name."""
    names = ["../../../../tmp/dcy", SCRIPT, "=HYPERLINK(1)", "x" * 100_000, "\x00", "same", "same"]
    for cell, name in zip(notebook["cells"], names * 50, strict=False):
        cell["id"] = name
        cell["metadata"].setdefault("tags", []).append(name)
    notebook["metadata"]["title"] = notebook["metadata"]["authors"] = SCRIPT
    notebook["metadata"]["course"] = {"lab": "../../etc", "notebook": SCRIPT}
    notebook["cells"].insert(0, code_cell(f"# Exercise {SCRIPT}\n'{SCRIPT}'"))
    notebook["cells"].insert(0, code_cell(f"# Exercise 9.9{SCRIPT}\ndef conv_cost(): pass"))


def hostile_text_answer(notebook: Notebook, desk: Desk) -> None:
    """Answer in words with markup."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and "YOUR ANSWER" in "".join(cell["source"]):
            said = f"{SCRIPT} [x](javascript:alert(1)) $\\input x$"
            cell["source"] = f"#### Exercise 0.3\n\n{said}"


def shadow_module(notebook: Notebook, desk: Desk) -> None:
    """Hand in a numpy whose comparisons say yes."""
    code = b"allclose = array_equal = lambda *args, **kwargs: True\nndarray = float64 = tuple\n"
    desk.files |= {"numpy.py": code, "statistics.py": code, "sitecustomize.py": code}


def giant_notebook(notebook: Notebook, desk: Desk) -> None:
    """Blow the notebook up with an output and a text."""
    big = "x" * 50_000_000
    shown = {"output_type": "stream", "name": "stdout", "text": big}
    notebook["cells"].append(code_cell(f"print({big[:30_000_000]!r})"))
    notebook["cells"][-1]["outputs"] = [shown]


def deep_notebook(notebook: Notebook, desk: Desk) -> bytes:
    """Nest the metadata."""
    text = json.dumps(notebook)
    deep = "[" * 100_000 + "]" * 100_000
    return (text[:-1] + f', "deep": {deep}}}').encode()


def no_json(notebook: Notebook, desk: Desk) -> bytes:
    """Hand in something else."""
    return b"PK\x03\x04 this is no notebook \x00\xff"


def not_utf8(notebook: Notebook, desk: Desk) -> bytes:
    """Hand in another encoding."""
    return json.dumps(notebook).replace("Exercise", "\xdcbung").encode("latin-1") + b"\xff"


def no_cells(notebook: Notebook, desk: Desk) -> None:
    """Make an object of the list of cells."""
    notebook["cells"] = {"0": notebook["cells"]}


def strange_cells(notebook: Notebook, desk: Desk) -> None:
    """Put things between the cells that are none."""
    strange = [
        None,
        7,
        "text",
        [],
        {},
        {"cell_type": "code"},
        {"cell_type": ["code"], "source": {"a": 1}, "metadata": []},
        {"cell_type": "code", "source": [1, None, ["x"]], "metadata": None, "outputs": 3},
        {"cell_type": "code", "source": "x = 1", "metadata": {"nbgrader": 5, "course": [1]}},
        {"cell_type": "code", "source": "y = 1", "metadata": {"nbgrader": {"grade_id": {}}}},
        {"cell_type": "code", "source": "z = 1", "metadata": {"tags": {"a": 1}}, "id": {}},
    ]
    notebook["cells"] = [each for cell in notebook["cells"] for each in (*strange, cell)]


def strange_numbers(notebook: Notebook, desk: Desk) -> bytes:
    """Write numbers that are none, or too long."""
    text = json.dumps(notebook)
    many = "9" * 100_000
    return (text[:-1] + f', "a": NaN, "b": Infinity, "c": {many}, "d": 1e999999}}').encode()


def old_format(notebook: Notebook, desk: Desk) -> None:
    """Claim another format."""
    notebook["nbformat"], notebook["nbformat_minor"] = 99, -1
    notebook["worksheets"] = [{"cells": notebook.pop("cells")}]


def many_cells(notebook: Notebook, desk: Desk) -> None:
    """Add cells of the student's own without an end."""
    notebook["cells"][0:0] = [code_cell(f"x{n} = {n}") for n in range(50_000)]


def many_exits(notebook: Notebook, desk: Desk) -> None:
    """Add cells of the student's own, each of which ends the process."""
    cells = [code_cell(f"import os\nos._exit({n})") for n in range(60)]
    notebook["cells"][desk.answer : desk.answer] = cells


def many_sleeps(notebook: Notebook, desk: Desk) -> None:
    """Add cells of the student's own that each wait for ever."""
    cells = [code_cell(f"import time\nn = {n}\ntime.sleep(10**6)") for n in range(20)]
    notebook["cells"][desk.answer : desk.answer] = cells


def giant_code(notebook: Notebook, desk: Desk) -> None:
    """Answer in five million lines."""
    notebook["cells"][desk.answer]["source"] = "# Exercise 0.1\n" + "x = 1\n" * 5_000_000


def deep_code(notebook: Notebook, desk: Desk) -> None:
    """Put expressions nested as deep as they go into cells of the student's own."""
    deep = ["(" * 90_000 + ")" * 90_000, "-" * 90_000 + "1", "a" + ".b" * 90_000, "[" * 150]
    deep += [
        "1" + "+1" * 90_000,
        "f" + "()" * 90_000,
        "lambda: " * 20_000 + "1",
        "a" + "[0]" * 90_000,
    ]
    deep += ["\n".join(f"{' ' * n}if 1:" for n in range(120)), "not " * 90_000 + "1", "'" * 99_999]
    for text in deep:
        notebook["cells"].insert(desk.answer, code_cell(text))
        notebook["cells"].insert(desk.answer, code_cell(f"# Exercise 0.1\n{text}"))


def many_answers(notebook: Notebook, desk: Desk) -> None:
    """Let two thousand cells claim to be the answer, in every way there is."""
    cells = notebook["cells"]
    wrong = copy.deepcopy(cells[desk.answer])
    texts = [wrong["source"], "def conv_cost(*args):\n    return 0, 0", "# Exercise 0.1\npass"]
    cells[desk.answer : desk.answer + 1] = [
        {**copy.deepcopy(wrong), "source": texts[n % 3], "metadata": [wrong["metadata"], {}][n % 2]}
        for n in range(2000)
    ]


def slow_patterns(notebook: Notebook, desk: Desk) -> None:
    """Write texts on which a careless pattern takes for ever."""
    texts = ["# Exercise " + " " * 200_000 + "x", "#" * 200_000, "# Exercise 0." + "1" * 200_000]
    texts += ["\t" * 200_000 + "# Exercise 0.1", ("# Exercise 0.1 " * 20_000), "def " * 50_000]
    for text in texts:
        notebook["cells"].insert(0, code_cell(text))
        notebook["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": text})


def picture_bombs(notebook: Notebook, desk: Desk) -> None:
    """Save pictures of a few kilobytes and of hundreds of millions of points, and other formats."""
    bombs = [_png(30_000, 30_000), _png(2**31 - 1, 1), _png(1, 2**31 - 1), _png(8_000, 8_000)]
    bombs += [
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"GIF89a" + bytes(100),
        b"II*\0" + bytes(100),
        b"BM" + bytes(99),
    ]
    for bomb in bombs:
        data = {"image/png": base64.b64encode(bomb).decode()}
        shown = {"output_type": "display_data", "data": data, "metadata": {}}
        notebook["cells"][desk.answer]["outputs"].append(shown)
        notebook["cells"][desk.check]["outputs"].append(copy.deepcopy(shown))


def _png(width: int, height: int) -> bytes:
    def part(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + check

    row = bytes(1 + (width + 7) // 8) if width < 10**6 else b"\0"
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(min(height, 30_000))) + packer.flush()
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", pixels) + part(b"IEND", b"")


def null_bytes(notebook: Notebook, desk: Desk) -> None:
    """Put characters into the attacked answer that no source may hold."""
    notebook["cells"][desk.answer]["source"] = "# Exercise 0.1\r\n\x00\ud800 = 1\r\x0c\u2028def (:"
