"""Withheld names: gone however they are reached, and back afterwards."""

import importlib
import math
import subprocess
import sys
import threading
import types

import pytest

from labs.engine.errors import LabFormatError
from labs.engine.student import StudentError, local_student
from labs.engine.withhold import withheld

MODULE = "withhold_toy.inner"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    package = tmp_path / "withhold_toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text(
        "import functools\n"
        "def answer():\n    return 42\n"
        "def closed(value):\n    def inside():\n        return value\n    return inside\n"
        "wrapped = closed(42)\n"
        "class Tool:\n    def use(self):\n        return 42\n"
        "    @staticmethod\n    def still():\n        return 42\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(MODULE)
    for name in [MODULE, "withhold_toy"]:
        sys.modules.pop(name, None)


def from_import():
    from withhold_toy.inner import answer

    return answer()


def plain_import():
    import withhold_toy.inner

    return withhold_toy.inner.answer()


def by_attribute():
    import withhold_toy

    return withhold_toy.inner.answer()


def by_importlib():
    return importlib.import_module(MODULE).answer()


def by_sys_modules():
    return sys.modules[MODULE].answer()


@pytest.mark.parametrize(
    "way", [from_import, plain_import, by_attribute, by_importlib, by_sys_modules]
)
def test_no_way_of_importing_works(toy, way):
    assert way() == 42
    with withheld([MODULE]), pytest.raises((ImportError, RuntimeError, KeyError)):
        way()
    assert way() == 42


def test_references_kept_from_before_raise_and_come_back(toy):
    kept = [toy.answer, toy.wrapped, toy.Tool().use, toy.Tool.still]
    for function in kept:
        with withheld([MODULE]), pytest.raises(RuntimeError, match="withheld"):
            function()
        assert function() == 42


def test_functions_of_modules_inside_a_withheld_package_raise(toy):
    kept = toy.answer
    with withheld(["withhold_toy"]), pytest.raises(RuntimeError, match="withheld"):
        kept()
    assert kept() == 42


def test_a_module_that_makes_attributes_when_asked_can_be_withheld(toy, tmp_path):
    lazy = tmp_path / "withhold_toy" / "lazy.py"
    lazy.write_text(
        "def __getattr__(name):\n    if name == 'made':\n        return 42\n"
        "    raise AttributeError(name)\n"
    )
    kept = importlib.import_module("withhold_toy.lazy")
    with withheld(["withhold_toy"]):
        assert not hasattr(kept, "__path__")  # as the import system and inspect ask
    del sys.modules["withhold_toy.lazy"]


def test_attributes_can_be_withheld_alone():
    with withheld(["math.hypot"]):
        assert math.sqrt(4) == 2
        with pytest.raises(RuntimeError, match=r"math\.hypot is withheld"):
            math.hypot(3, 4)
    assert math.hypot(3, 4) == 5


def test_a_method_of_a_class_can_be_withheld(toy):
    with withheld([f"{MODULE}.Tool.use"]), pytest.raises(RuntimeError, match="withheld"):
        toy.Tool().use()
    assert toy.Tool().use() == 42


def test_blocks_of_several_threads_may_overlap(toy):
    inside, outside = threading.Event(), threading.Event()

    def first():
        with withheld([MODULE, "math.hypot"]):
            inside.set()
            assert outside.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with withheld([MODULE, "math.hypot"]):
        outside.set()
        thread.join()
        with pytest.raises(RuntimeError, match="withheld"):
            math.hypot(3, 4)
        with pytest.raises(ImportError):
            from_import()
    assert math.hypot(3, 4) == 5
    assert from_import() == by_attribute() == 42
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "_Blocker"]


def test_what_was_taken_before_a_misspelt_name_comes_back():
    with pytest.raises(LabFormatError), withheld(["math.hypot", "math.hypott"]):
        pass
    assert math.hypot(3, 4) == 5


def test_a_misspelt_name_is_an_error():
    with pytest.raises(LabFormatError, match=r"math\.hypott"), withheld(["math.hypott"]):
        pass


def test_everything_comes_back_when_student_code_raises(toy):
    with pytest.raises(ZeroDivisionError), withheld([MODULE, "math.hypot"]):
        raise ZeroDivisionError
    assert by_attribute() == 42
    assert isinstance(math.hypot, types.BuiltinFunctionType)
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "_Blocker"]


def test_a_withheld_module_may_import_another_withheld_one(toy, tmp_path):
    (tmp_path / "withhold_toy" / "outer.py").write_text(
        "from withhold_toy import inner\ndef again():\n    return inner.answer()\n"
    )
    with withheld([MODULE, "withhold_toy.outer"]):
        pass
    assert importlib.import_module("withhold_toy.outer").again() == 42
    sys.modules.pop("withhold_toy.outer")


def test_a_student_sees_the_reason(toy):
    student = local_student({"f": by_importlib}, withhold=[MODULE])
    with pytest.raises(StudentError, match="withheld in this exercise"):
        student.f()


def test_withholding_for_good_in_a_process_of_its_own():
    code = (
        "from labs.engine.withhold import withhold\n"
        "withhold(['course_utils.units'])\n"
        "try:\n    import course_utils.units\n"
        "except ImportError as err:\n    print(err)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "course_utils.units is withheld" in run.stdout
