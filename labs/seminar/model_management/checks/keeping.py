"""The open checks of exercises 5.6 and 5.7: what may be dropped, and sets."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.seminar.model_management.checks.common import assert_tensors, layout_text


@check(
    "5.6",
    sentence="It returns the names of all other models, sorted, and the files that only those "
    "name, sorted and each once.",
)
def family_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the models A, B and C of the hand example."""
    models: dict[str, dict[str, Any]] = {
        "A": {"base": None, "files": ["1"]},
        "B": {"base": "A", "files": ["2"]},
        "C": {"base": "A", "files": ["2", "3"]},
    }
    rows = []
    for keep, gone, files in (
        (["B"], ["C"], ["3"]),
        (["A"], ["B", "C"], ["2", "3"]),
        (["C"], ["B"], []),
        ([], ["A", "B", "C"], ["1", "2", "3"]),
    ):
        got = student.garbage(models, keep)
        assert len(got) == 2, "return (models, files)"
        row = {"kept": ", ".join(keep) or "none", "models that go": gone, "yours": list(got[0])}
        rows.append(row | {"files that go": files, "your files": list(got[1])})
    evidence.table(rows)
    for row in rows:
        what = f"if {row['kept']} is kept"
        assert_equal(row["yours"], row["models that go"], what=f"models that go {what}")
        assert_equal(row["your files"], row["files that go"], what=f"files that go {what}")


@check("5.6", sentence="A model is needed if it is kept, or the base of a needed one.")
def long_chain(student: Student, rng: np.random.Generator) -> None:
    """Keep the last of a chain: everything is needed."""
    models = {str(i): {"base": str(i - 1) if i else None, "files": [f"file {i}"]} for i in range(5)}
    gone, files = student.garbage(models, ["4"])
    assert_equal(list(gone), [], what="models that go if the last of a chain of 5 is kept")
    assert_equal(list(files), [], what="files that go if the last of a chain of 5 is kept")


@check(
    "5.7",
    sentence="Row i of the matrix holds the numbers of model i, tensor after tensor, as float32.",
)
def two_models(student: Student, rng: np.random.Generator) -> None:
    """Pack two models of three numbers each."""
    models = [
        {"w": np.array([[1, 2]], np.float32), "b": np.array([3], np.float32)},
        {"w": np.array([[4, 5]], np.float32), "b": np.array([6], np.float32)},
    ]
    layout, matrix = student.pack_set(models)
    matrix = np.asarray(matrix)
    evidence.table([{"model": i, "row": str(row.tolist())} for i, row in enumerate(matrix)])
    want = layout_text([("w", (1, 2)), ("b", (1,))])
    assert_equal(layout_text(layout), want, what="the layout")
    assert_equal(matrix, [[1, 2, 3], [4, 5, 6]], what="the matrix")
    assert_equal(matrix.dtype.name, "float32", what="the type of the matrix")


@check("5.7", sentence="`unpack_model` returns model `index` as it was packed.")
def second_model(student: Student, rng: np.random.Generator) -> None:
    """Unpack the second of two rows."""
    layout = [("w", (1, 2)), ("b", (1,))]
    matrix = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    want = {"w": matrix[1:, :2], "b": matrix[1, 2:]}
    assert_tensors(student.unpack_model(layout, matrix, 1), want, what="model 1")
