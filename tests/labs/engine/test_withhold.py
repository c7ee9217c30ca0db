"""Withheld names: gone however they are reached, and back afterwards."""

import functools
import importlib
import math
import subprocess
import sys
import threading
import types

import pytest
import torch
import torch._refs

from labs.engine.errors import LabFormatError
from labs.engine.student import StudentError, local_student
from labs.engine.withhold import hidden_files, withheld

MODULE = "withhold_toy.inner"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    package = tmp_path / "withhold_toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text(
        "import contextlib, functools\n"
        "def answer():\n    return 42\n"
        "def closed(value):\n    def inside():\n        return value\n    return inside\n"
        "wrapped = closed(42)\n"
        "class Tool:\n    def use(self):\n        return 42\n"
        "    @staticmethod\n    def still():\n        return 42\n"
        "    @classmethod\n    def of_class(cls):\n        return 42\n"
        "    @property\n    def size(self):\n        return 42\n"
        "    @functools.cached_property\n    def length(self):\n        return 42\n"
        "    class Inner:\n        def use(self):\n            return 42\n"
        "@functools.cache\ndef cached():\n    return 42\n"
        "@functools.lru_cache(maxsize=2)\ndef recent(x=1):\n    return 42\n"
        "part = functools.partial(answer)\n"
        "@contextlib.contextmanager\ndef block():\n    yield 42\n"
        "TABLE = {'deep': [lambda: 42, (Tool().use,)]}\n"
        "def given_back(function=lambda: 42):\n    return function\n"
        "@functools.singledispatch\ndef by_type(x=None):\n    return 42\n"
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


WRAPPED = {
    "cached": lambda toy: toy.cached,
    "cached, inside": lambda toy: toy.cached.__wrapped__,
    "recent": lambda toy: toy.recent,
    "partial": lambda toy: toy.part,
    "of the partial": lambda toy: toy.part.func,
    "class method": lambda toy: toy.Tool.of_class,
    "property": lambda toy: lambda: toy.Tool().size,
    "getter": lambda toy: functools.partial(toy.Tool.size.fget, None),
    "cached property": lambda toy: functools.partial(toy.Tool.length.func, None),
    "nested class": lambda toy: toy.Tool.Inner().use,
    "context manager": lambda toy: lambda: toy.block().__enter__(),
    "of the context manager": lambda toy: lambda: next(toy.block.__wrapped__()),
    "table": lambda toy: toy.TABLE["deep"][0],
    "bound method": lambda toy: toy.TABLE["deep"][1][0],
    "default": lambda toy: toy.given_back.__defaults__[0],
    "closure": lambda toy: toy.wrapped,
    "dispatched": lambda toy: toy.by_type.registry[object],
}


@pytest.mark.parametrize("way", WRAPPED)
def test_references_inside_wrappers_raise_too(toy, way):
    kept = WRAPPED[way](toy)
    kept_too = toy.cached  # a cache that is full answers without calling
    with withheld([MODULE]), pytest.raises(RuntimeError, match="withheld"):
        kept()
    assert kept() == 42
    toy.cached.cache_clear()
    assert kept_too() == 42


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


@pytest.mark.parametrize("name", ["still", "of_class", "size", "length", "__repr__"])
def test_methods_of_every_kind_come_back_as_they_were(toy, name):
    before = vars(toy.Tool).get(name)
    with withheld([f"{MODULE}.Tool.{name}"]):
        assert vars(toy.Tool)[name] is not before
    assert vars(toy.Tool).get(name) is before


def test_names_nested_deeper_can_be_withheld(toy):
    kept = toy.Tool.Inner
    with withheld([f"{MODULE}.Tool.Inner"]):
        for inner in (kept, toy.Tool.Inner):
            with pytest.raises(RuntimeError, match="withheld"):
                inner().use()
        assert toy.Tool().use() == 42
    assert toy.Tool.Inner().use() == 42


def test_a_kept_reference_to_a_withheld_function_or_class_raises_too(toy):
    kept, tool = toy.answer, toy.Tool()
    with withheld([f"{MODULE}.answer", f"{MODULE}.Tool"]):
        for function in (kept, tool.use):
            with pytest.raises(RuntimeError, match="withheld"):
                function()
        assert toy.closed(42)() == 42
    assert kept() == tool.use() == 42


def test_what_is_inside_a_withheld_module_may_be_named_as_well(toy):
    with withheld([MODULE, f"{MODULE}.answer"]), pytest.raises(ImportError):
        from_import()
    assert from_import() == 42


def renormed(x):
    return torch.renorm(x, 2, 0, 0.5)


def test_operators_raise_by_every_name_and_come_back():
    x = torch.arange(6.0).reshape(2, 3)
    calls = [
        lambda: renormed(x),
        lambda: x.clone().renorm_(2, 0, 0.5),
        lambda: torch._C._VariableFunctions.renorm(x, 2, 0, 0.5),
        lambda: torch.ops.aten.renorm.default(x, 2, 0, 0.5),
        lambda: torch._refs.renorm(x, 2, 0, 0.5),
        lambda: torch.nn.functional.embedding(torch.arange(2), x.clone(), max_norm=0.5),
    ]
    before = [call() for call in calls]
    with withheld(["aten::renorm*", "aten::embedding_renorm*"]):
        for call in calls:
            with pytest.raises(RuntimeError, match="withheld in this exercise"):
                call()
        outcome = []
        thread = threading.Thread(target=lambda: outcome.append(_raises(calls[0])))
        thread.start()
        thread.join()
        assert outcome == [True]
        with withheld(["aten::renorm"]):  # held by two
            pass
    for call, kept in zip(calls, before, strict=True):
        torch.testing.assert_close(call(), kept)


def _raises(call):
    try:
        call()
    except RuntimeError:
        return True
    return False


def test_gradients_flow_through_other_operators_meanwhile():
    x = torch.ones(2, 3, requires_grad=True)
    with withheld(["aten::renorm*", "aten::*fake_quant*"]):
        (x.norm(dim=1) * 2).sum().backward()
    assert x.grad is not None


def test_a_misspelt_operator_is_an_error():
    with pytest.raises(LabFormatError, match="aten::renrom"), withheld(["aten::renrom*"]):
        pass


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


def test_withholding_for_good_loads_nothing_and_passes_over_what_is_not_there():
    code = (
        "import sys\nfrom labs.engine.withhold import withhold\n"
        "withhold(['wave', 'no_such.module', 'math.no_such', 'json.tool', 'no::such*'])\n"
        "withhold(['scipy.fft', 'scipy.fftpack.dct'])\n"
        "print('wave' in sys.modules, 'json.tool' in sys.modules)\n"
        "for name in ('wave', 'json.tool'):\n"
        "    try: __import__(name)\n"
        "    except ImportError as err: print(err)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[0] == "False False"
    assert run.stdout.count("is withheld in this exercise") == 2


def test_hidden_files_are_those_of_modules(toy, tmp_path):
    folder = tmp_path / "withhold_toy"
    assert hidden_files([MODULE, f"{MODULE}.answer", "no_such.module", "aten::renorm*"]) == (
        folder / "inner.py",
    )
    assert hidden_files(["withhold_toy"]) == (folder,)


def test_withholding_for_good_in_a_process_of_its_own():
    code = (
        "from labs.engine.withhold import withhold\n"
        "withhold(['course_utils.units'])\n"
        "try:\n    import course_utils.units\n"
        "except ImportError as err:\n    print(err)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "course_utils.units is withheld" in run.stdout


def test_a_package_whose_objects_answer_for_themselves_can_be_withheld():
    """`torch.distributed.reduce_op` has a `__getattribute__` of its own, taken before it is met."""
    distributed = importlib.import_module("torch.distributed")
    with withheld(["torch.distributed"]), pytest.raises(RuntimeError, match="withheld"):
        distributed.all_reduce(None)
    assert distributed.is_initialized() is False
