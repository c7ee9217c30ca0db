"""The inside of a desk: its protocol, and that what is withheld cannot be had by any name."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict

import pytest

from labs.engine import codec
from labs.engine.sandbox import frames
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import Desk
from labs.engine.sandbox.limits import Limits
from labs.engine.withhold import hidden_files

WALLED = pytest.mark.skipif(walls_missing() is not None, reason=str(walls_missing()))
WAYS = [pytest.param(False, id="walled", marks=WALLED), pytest.param(True, id="cold")]


class Wire:
    """The other end of the channel, frame by frame."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(60)
        task = json.dumps({"limits": asdict(Limits()), "preload": []})
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "labs.engine.sandbox.cold", str(theirs.fileno()), task],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.PIPE,
            )

    def send(self, kind: bytes, payload: bytes, number: int) -> None:
        self.channel.sendall(frames.pack(kind, payload, number=number))

    def receive(self) -> tuple[bytes, int, bytes]:
        length, kind, number = frames.unpack(self._exactly(frames.HEADER.size))
        return kind, number, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self.channel.recv(size - len(content))
            assert piece, "the inside has gone"
            content += piece
        return content

    def close(self) -> int:
        self.channel.close()
        code = self.process.wait(30)
        self.process.stdin.close()
        return code


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


def request(name: str, *args: object) -> bytes:
    fields = {"call": name, "method": None, "args": list(args), "kwargs": {}, "keep": False}
    return codec.encode(fields)


def test_every_kind_of_message_is_answered_with_its_number(wire):
    wire.send(frames.WITHHOLD, b'["math.hypot"]', 5)
    assert wire.receive() == (frames.DONE, 5, b'{"error": null}')
    wire.send(frames.RUN, b"def f(x): return 2 * x\nprint('noise')", 6)
    assert wire.receive() == (frames.DONE, 6, b'{"error": null}')
    wire.send(frames.NEW, b"", 2**32 - 1)
    assert wire.receive() == (frames.DONE, 2**32 - 1, b'{"error": null}')
    wire.send(frames.REQUEST, request("f", 4), 7)
    kind, number, content = wire.receive()
    assert (kind, number, codec.decode(content)) == (frames.ANSWER, 7, {"value": 8})


def test_a_callback_carries_the_number_of_its_request(wire):
    wire.send(frames.RUN, b"def f(ask): return ask(20) + 1", 1)
    wire.receive()
    fields = {"call": "f", "method": None, "args": ["oracle"], "kwargs": {}, "keep": False}
    tagged = codec.encode(
        fields, special=lambda v: {"t": "callback", "v": 0} if v == "oracle" else None
    )
    wire.send(frames.REQUEST, tagged, 9)
    kind, number, content = wire.receive()
    assert (kind, number) == (frames.CALLBACK, 9)
    assert codec.decode(content) == {"callback": 0, "args": [20]}
    wire.send(frames.CALLBACK, codec.encode({"value": 41}), 9)
    kind, number, content = wire.receive()
    assert (kind, number, codec.decode(content)) == (frames.ANSWER, 9, {"value": 42})


def test_an_unreadable_request_is_answered_with_an_error(wire):
    wire.send(frames.REQUEST, b"nonsense", 3)
    kind, number, content = wire.receive()
    assert (kind, number) == (frames.ANSWER, 3)
    assert codec.decode(content)["error"]["name"] == "ExchangeError"


@pytest.mark.parametrize("sent", [b"", frames.pack(frames.RUN, b"x = 1", number=1)[:-2]])
def test_it_ends_when_the_desk_has_gone(sent):
    wire = Wire()
    wire.channel.sendall(sent)
    assert wire.close() == 0


def test_it_ends_when_the_grader_has_gone():
    wire = Wire()
    wire.send(frames.RUN, b"import time; time.sleep(1000)", 1)
    wire.process.stdin.close()  # as when the process that started it ends, however it ends
    assert wire.process.wait(30) == 1
    wire.channel.close()


WITHHELD = [
    "labs.mcu_compression.given",
    "labs.mcu_compression.affine",
    "torch.nn.utils.prune",
    "torch.functional.stft",
    "aten::renorm*",
    "aten::embedding_renorm*",
    "aten::*fake_quant*",
    "aten::quantize_per*",
]
BEFORE = """
import importlib, importlib.util, importlib.machinery, runpy, sys, threading, warnings
warnings.simplefilter("ignore")
import numpy as np, torch
import torch.nn.utils, torch._refs, torch._decomp
x = torch.arange(6.0).reshape(2, 3)
def in_a_thread(call):
    got = []
    def run():
        try: got.append(call())
        except Exception as err: got.append(err)
    thread = threading.Thread(target=run); thread.start(); thread.join()
    if isinstance(got[0], Exception): raise got[0]
def script(line):
    return torch.jit.CompilationUnit(f"def f(x):\\n  return {line}\\n").f(x)
def found(name):
    return importlib.machinery.PathFinder.find_spec(name, torch.nn.utils.__path__)
"""
OPERATORS = [
    "torch.renorm(x, 2, 0, 0.5)",
    "x.renorm(2, 0, 0.5)",
    "x.clone().renorm_(2, 0, 0.5)",
    "torch.renorm(x, 2, 0, 0.5, out=torch.empty(0))",
    "torch.renorm(x.clone().requires_grad_(), 2, 0, 0.5)",
    "torch._VF.renorm(x, 2, 0, 0.5)",
    "torch._C._VariableFunctions.renorm(x, 2, 0, 0.5)",
    "torch.ops.aten.renorm(x, 2, 0, 0.5)",
    "torch.ops.aten.renorm.default(x, 2, 0, 0.5)",
    "torch.ops.aten.renorm.default._op_dk(torch._C.DispatchKey.CPU, x, 2, 0, 0.5)",
    "torch._refs.renorm(x, 2, 0, 0.5)",
    "torch._refs.renorm.__wrapped__(x, 2, 0, 0.5)",
    "torch._decomp.decomposition_table[torch.ops.aten.renorm.default](x, 2, 0, 0.5)",
    "script('torch.renorm(x, 2, 0, 0.5)')",
    "in_a_thread(lambda: torch.renorm(x, 2, 0, 0.5))",
    "torch.func.functionalize(lambda y: torch.renorm(y, 2, 0, 0.5))(x)",
    "torch.inference_mode()(lambda: torch.renorm(x, 2, 0, 0.5))()",
    "torch.nn.functional.embedding(torch.arange(2), x.clone(), max_norm=0.5)",
    "torch.nn.Embedding(2, 3, max_norm=0.5)(torch.arange(2))",
    "torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 255)",
    "torch.fake_quantize_per_channel_affine(x, torch.ones(2), torch.zeros(2), 0, 0, 255)",
    "torch.ops.aten.fake_quantize_per_tensor_affine_cachemask(x, 0.1, 0, 0, 255)",
    "torch.vmap(lambda y: torch.fake_quantize_per_tensor_affine(y, 0.1, 0, 0, 255))(x)",
    "torch._fake_quantize_learnable_per_tensor_affine(x, x[0, 1:2], x[0, :1], 0, 255)",
    "torch.quantize_per_tensor(x, 0.1, 0, torch.qint8)",
    "torch.quantize_per_tensor_dynamic(x, torch.qint8, False)",
    "torch.stft(torch.ones(64), 16, window=torch.ones(16), return_complex=True)",
]
MODULES = [
    "import labs.mcu_compression.given",
    "from labs.mcu_compression.given import quantize",
    "from labs.mcu_compression import affine; affine.channel_scales",
    "importlib.import_module('labs.mcu_compression.affine')",
    "importlib.reload(sys.modules['labs.mcu_compression.affine'])",
    "runpy.run_module('labs.mcu_compression.affine')",
    "importlib.util.find_spec('labs.mcu_compression.affine').loader.load_module()",
    "import torch.nn.utils.prune",
    "torch.nn.utils.prune.l1_unstructured",
]
FILES = [
    "runpy.run_path({affine!r})['channel_scales']",
    "space = {{'__name__': 'x'}}; exec(open({affine!r}).read(), space); space['channel_scales']",
    "importlib.machinery.SourceFileLoader('other', {affine!r}).load_module().channel_scales",
    "found('prune').loader.load_module().l1_unstructured",
    "space = {{'__name__': 'x'}}; exec(found('prune').loader.get_code('prune'), space)",
]


def run_all(desk: Desk, lines: list[str]) -> list[bool]:
    assert desk.run_cell(BEFORE).is_ok
    return [desk.run_cell(line).is_ok for line in lines]


@pytest.fixture(scope="module")
def lines():
    (affine,) = hidden_files(["labs.mcu_compression.affine"])
    return [*OPERATORS, *MODULES], [line.format(affine=str(affine)) for line in FILES]


def test_every_way_works_while_nothing_is_withheld(lines):
    with Desk(cold=True) as desk:
        everything = [line for group in lines for line in group if "reload" not in line]
        assert run_all(desk, everything) == [True] * len(everything)


@pytest.mark.parametrize("cold", WAYS)
def test_no_way_leads_to_what_is_withheld(lines, cold):
    by_name, by_file = lines
    # As when grading: all modules of the lab are loaded before the fork.
    with Desk(cold=cold, withhold=WITHHELD, preload=["torch", *WITHHELD[:3]]) as desk:
        assert run_all(desk, by_name) == [False] * len(by_name)
        for line in (by_name[0], by_name[9], by_name[-1]):
            assert "withheld in this exercise" in desk.run_cell(line).message
        if not cold:  # without walls the files are there
            assert run_all(desk, by_file) == [False] * len(by_file)


@pytest.mark.parametrize("cold", WAYS)
def test_what_is_withheld_cannot_be_given_back(cold):
    undo = (
        "import contextlib, gc, weakref, torch\n"
        "is_library = lambda it: isinstance(it, torch.library.Library)\n"
        "kept = [*weakref.finalize._registry]\n"
        "kept += [it._destroy for it in gc.get_objects() if is_library(it)]\n"
        "kept += [it.reset for it in gc.get_objects() if 'DispatchModule' in type(it).__name__]\n"
        "for each in kept:\n"
        "    with contextlib.suppress(Exception): each()\n"
        "from labs.engine import withhold, operators\n"
        "for hold in withhold._holds.values(): hold.restore.close()\n"
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'Blocker' not in repr(f)]\n"
    )
    with Desk(cold=cold, withhold=WITHHELD) as desk:
        assert desk.run_cell(undo).is_ok
        assert "withheld" in desk.run_cell(BEFORE + "torch.renorm(x, 2, 0, 0.5)").message
        if not cold:
            assert not desk.run_cell("import labs.mcu_compression.affine").is_ok


@pytest.mark.parametrize("cold", WAYS)
def test_the_rest_works_as_before(cold):
    code = BEFORE + (
        "import torch.ao.quantization\n"
        "net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))\n"
        "loss = net(torch.ones(2, 1, 5, 5)).sum(); loss.backward()\n"
        "torch.optim.SGD(net.parameters(), lr=0.1).step()\n"
        "torch.nn.Embedding(3, 2)(torch.arange(3)); torch.fft.rfft(x); x.norm(dim=1)\n"
        "import labs.mcu_compression, course_utils.counting\n"
    )
    with Desk(cold=cold, withhold=WITHHELD) as desk:
        ending = desk.run_cell(code)
        assert ending.is_ok, ending


def test_a_warm_and_a_cold_desk_draw_the_same_numbers():
    if walls_missing() is not None:
        pytest.skip(str(walls_missing()))
    code = (
        "import random\nimport numpy as np\n"
        "drawn = [random.random(), np.random.rand(), torch.rand(1).item(), hash('text')]\n"
        "def f(): return drawn"
    )
    drawn = []
    for cold in (False, True):
        with Desk(cold=cold) as desk:
            assert desk.run_cell("import torch").is_ok
            assert desk.run_cell(code).is_ok
            drawn.append(desk.student().f())
    assert drawn[0][:3] == drawn[1][:3]
    if os.environ.get("PYTHONHASHSEED", "0") == "0":
        assert drawn[0] == drawn[1]


@pytest.mark.parametrize("magic", ["%matplotlib inline", "%matplotlib notebook", "%precision 3"])
def test_a_magic_that_notebooks_begin_with_stops_no_cell(wire, magic):
    wire.send(frames.RUN, f"{magic}\ndef f(x): return 2 * x".encode(), 1)
    assert wire.receive() == (frames.DONE, 1, b'{"error": null}')
    wire.send(frames.REQUEST, request("f", 4), 2)
    assert codec.decode(wire.receive()[2]) == {"value": 8}
