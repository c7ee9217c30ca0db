"""Toy exercises for the four forms of request, in this process and across a pipe to another."""

import queue
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from labs.engine import codec
from labs.engine.checks import Case, judge, raises
from labs.engine.errors import ExchangeError
from labs.engine.student import (
    ApartError,
    Handle,
    NotAttemptedError,
    Student,
    StudentError,
    apart,
    callback,
    calls_of,
    local_student,
    ranks,
    ref,
)
from labs.engine.together import together
from labs.shared import features

SOLUTION = """
import numpy as np
import torch

def scale(x, factor=2):
    return {"scaled": x * factor, "kind": type(x).__name__}

def parameters(model):
    return sum(p.numel() for p in model.parameters())

def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.5)

def make_model(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(2, 1)

def step(model, optimizer, x):
    loss = model(x).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return model.weight

def minimise(oracle, low, high):
    for _ in range(20):
        third = (high - low) / 3
        if oracle(low + third) < oracle(high - third):
            high -= third
        else:
            low += third
    return (low + high) / 2

def ring_sum(rank, size, value, send, recv):
    total, passing = value, value
    for _ in range(size - 1):
        send((rank + 1) % size, passing)
        passing = recv((rank - 1) % size)
        total = total + passing
    return total

def stub():
    raise NotImplementedError()

def leaves():
    raise SystemExit(0)

def cheats(oracle):
    try:
        oracle("too much")
    except Exception:
        pass
    return "fine"

def strange():
    return object()
"""

# The other end of a pipe: what a sandbox does with the same Endpoint.
SERVER = """
import sys
from labs.engine.endpoint import Endpoint
space = {}
exec(sys.argv[1], space)
def read():
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    return sys.stdin.buffer.read(size)
def write(kind, message):
    sys.stdout.buffer.write(kind + len(message).to_bytes(8, "big") + message)
    sys.stdout.buffer.flush()
def exchange(message):
    write(b"?", message)
    return read()
endpoint = Endpoint(space)
while (message := read()):
    write(b"!", endpoint.handle(message, exchange))
"""


class Pipe:
    """A request over the standard streams of another process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, SOLUTION], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __call__(self, message: bytes, serve: Callable[[bytes], bytes]) -> bytes:
        self._write(message)
        while True:
            kind, size = self._read(1), int.from_bytes(self._read(8), "big")
            body = self._read(size)
            if kind == b"!":
                return body
            self._write(serve(body))

    def _write(self, message: bytes) -> None:
        self.process.stdin.write(len(message).to_bytes(8, "big") + message)
        self.process.stdin.flush()

    def _read(self, size: int) -> bytes:
        return self.process.stdout.read(size)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def pipe():
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture(params=["here", "across a pipe"])
def student(request):
    if request.param == "here":
        space: dict = {}
        exec(SOLUTION, space)
        return local_student(space)
    return Student(request.getfixturevalue("pipe"))


def test_data_comes_back_as_exact_builtins_and_arrays(student):
    answer = student.scale(np.array([1.0, 2.0]), factor=3)
    assert type(answer["scaled"]) is np.ndarray
    assert answer["scaled"].tolist() == [3.0, 6.0]
    assert answer["kind"] == "ndarray"
    assert student.scale(torch.ones(2))["kind"] == "Tensor"
    assert type(student.scale(torch.ones(2))["scaled"]) is np.ndarray


def test_ref_is_built_where_the_student_is(student):
    assert student.parameters(ref("torch.nn:Linear", in_features=3, out_features=2)) == 8


def test_handles_stay_and_are_named_in_later_calls(student):
    model = student.make_model.keep(3)
    optimizer = student.make_optimizer.keep(model)
    assert isinstance(model, Handle)
    before = model(torch.zeros(1, 2))
    after = student.step(model, optimizer, torch.ones(1, 2))
    torch.manual_seed(3)
    oracle = torch.nn.Linear(2, 1)
    np.testing.assert_allclose(before, oracle.bias.detach().numpy()[None], rtol=1e-6)
    # d(loss)/d(weight) = 1 for inputs of one, so SGD with rate 0.5 subtracts 0.5 once.
    np.testing.assert_allclose(after, oracle.weight.detach().numpy() - 0.5, rtol=1e-6)
    assert set(optimizer.method("state_dict")) == {"state", "param_groups"}


def test_callback_is_served_and_observed_by_the_check(student):
    oracle = callback(lambda x: (x - 1.0) ** 2)
    assert student.minimise(oracle, -4.0, 4.0) == pytest.approx(1.0, abs=8 * (2 / 3) ** 20)
    assert len(oracle.calls) == 40


def test_ranks_talk_through_the_check_which_counts_messages():
    space: dict = {}
    exec(SOLUTION, space)
    size = 3
    boxes = {(a, b): queue.Queue() for a in range(size) for b in range(size)}
    sent = []

    def call(rank, student):
        def send(to, value):
            sent.append((rank, to))
            boxes[rank, to].put(value)

        def receive(sender):
            return boxes[sender, rank].get(timeout=20)

        value = np.full(4, rank + 1.0)
        return lambda: student.ring_sum(rank, size, value, callback(send), callback(receive))

    students = ranks(local_student(space), size)
    results = together([call(rank, s) for rank, s in enumerate(students)])
    assert [r.tolist() for r in results] == [[6.0] * 4] * size
    assert len(sent) == size * (size - 1)


def test_ranks_that_wait_for_each_other_end_with_a_message():
    waits = queue.Queue()
    student = local_student({"wait": lambda recv: recv()})
    with pytest.raises(StudentError, match="wait"):
        together([lambda: student.wait(callback(waits.get))], timeout_s=0.2)
    waits.put(None)


def test_a_callback_stands_in_the_table_of_calls_by_its_name():
    def send(to):
        return to

    asking = local_student({"ask": lambda function: function(1)})
    asking.ask(callback(send))
    assert [call.request for call in calls_of(asking)] == ["ask(send)"]


def test_stub_and_missing_function_are_not_attempted(student):
    for name in ("stub", "no_such_function"):
        with pytest.raises(NotAttemptedError):
            getattr(student, name)()


def test_errors_of_student_code_come_back_as_text(student):
    with pytest.raises(StudentError, match="leaves raised SystemExit"):
        student.leaves()
    with pytest.raises(StudentError, match="raised TypeError"):
        student.scale()
    with pytest.raises(StudentError, match="object"):
        student.strange()


def _takes_one(x):
    import labs.engine.seeds

    return labs.engine.seeds


@pytest.mark.parametrize(
    ("args", "line"), [((), ""), ((1,), " at `import labs.engine.seeds`")], ids=["call", "import"]
)
def test_an_error_quotes_the_students_line_and_never_ours(args, line):
    student = local_student({"f": _takes_one}, withhold=["labs.engine.seeds"])
    with pytest.raises(StudentError, match=rf"^f raised \w+{line}: "):
        student.f(*args)


def test_student_code_cannot_swallow_what_a_callback_of_the_check_raised(student):
    def limit(_):
        raise AssertionError("only numbers may be sent")

    with pytest.raises(AssertionError, match="only numbers"):
        student.cheats(callback(limit))


def test_calls_are_kept_as_text(student):
    student.scale(2)
    assert "scale(2)" in calls_of(student)[-1].request


@pytest.mark.parametrize(
    "reply", [{}, {"value": 1, "error": {}}, {"kept": 1}, [], {"error": "text"}, None]
)
def test_forged_replies_are_refused(reply):
    student = Student(lambda _message, _serve: codec.encode(reply))
    with pytest.raises(ExchangeError):
        student.f()


@pytest.mark.parametrize(
    "asked", [{}, {"callback": 5, "args": []}, {"callback": -1, "args": []}, {"callback": 0}, []]
)
def test_forged_callbacks_are_refused(asked):
    def request(_message, serve):
        serve(codec.encode(asked))
        return codec.encode({"value": 1})

    with pytest.raises(ExchangeError):
        Student(request).f(callback(lambda: 1))


def test_handle_of_another_rank_is_refused():
    student = local_student({"make": object, "use": lambda x: 1})
    one, two = ranks(student, 2)
    with pytest.raises(ExchangeError, match="another rank"):
        two.use(one.make.keep())


def test_ref_needs_module_and_function():
    with pytest.raises(ExchangeError, match="module:function"):
        ref("torch.nn.Linear")


def test_the_key_of_a_kept_result_is_a_number_and_nothing_that_comes_back_again():
    student = Student(lambda *_: codec.encode({"kept": [[0] * 1000]}))
    with pytest.raises(ExchangeError):
        student.build.keep()


# Functions of ours, where no student code is


def test_apart_calls_our_function_on_plain_data():
    student = local_student({})
    frequencies = torch.tensor([0.0, 700.0])
    got = apart(student, "labs.shared.features:mel", frequency_hz=frequencies)
    assert type(got) is np.ndarray
    assert np.array_equal(got, features.mel(frequencies))
    assert apart(student, "labs.engine.evidence:brief", value=(1, [2])) == "(1, [2])"
    assert calls_of(student)[-1].request == "brief(value=(1, [2]))"


def test_nothing_is_withheld_from_our_function():
    def lazily(frequency_hz):
        return features.mel(frequency_hz)

    student = local_student({"lazily": lazily}, withhold=["labs.shared.features.mel"])
    with raises("WithheldError"):
        student.lazily(torch.ones(1))
    assert apart(student, "labs.shared.features:mel", frequency_hz=torch.zeros(1)) == 0.0


@pytest.mark.parametrize(
    "name",
    [
        "subprocess:run",
        "labs:x",
        "labs.engine.codec",
        "labs.engine.codec:_cap",
        "labs._engine.codec:encode",
        "labs.engine.codec:encode:x",
        "labs.engine.codec:json.loads",
        "labs..codec:encode",
    ],
)
def test_apart_refuses_what_is_no_public_function_of_ours(name):
    with pytest.raises(ExchangeError, match="name a public function of the labs as"):
        apart(local_student({}), name)


@pytest.mark.parametrize("name", ["labs.engine.codec:nothing", "labs.engine.processes:psutil"])
def test_a_name_that_is_no_function_of_that_module_is_one_line(name):
    with pytest.raises(ApartError, match="has no function") as caught:
        apart(local_student({}), name)
    assert "\n" not in str(caught.value)


def test_what_our_function_raises_is_ours():
    def asks(student, rng):
        with raises("UnknownLabError"):  # of the student's function, and this is not
            apart(student, "labs.engine.catalog:find_lab", name="lab 9")

    case = Case("9.9", "asks", "It holds.", 1.0, asks)
    (result,) = judge([case], lambda: local_student({})).cases
    start = "the course's function labs.engine.catalog:find_lab raised UnknownLabError: no lab"
    assert result.message.startswith(start)
    assert not issubclass(ApartError, StudentError)


def test_a_function_of_ours_that_is_not_written_is_no_missing_answer(monkeypatch):
    def mel(frequency_hz):
        raise NotImplementedError("not here")

    mel.__module__ = features.__name__
    monkeypatch.setattr(features, "mel", mel)
    with pytest.raises(ApartError, match=r"mel raised NotImplementedError: not here$"):
        apart(local_student({}), "labs.shared.features:mel", frequency_hz=1)


def test_apart_passes_data_only():
    student = local_student({"make": object})
    for value in (ref("labs.shared.networks:ds_cnn"), student.make.keep(), callback(abs), object()):
        with pytest.raises(ExchangeError):
            apart(student, "labs.engine.evidence:brief", value=value)


def test_a_student_without_a_place_apart_says_so(pipe):
    with pytest.raises(ExchangeError, match="this student has no place apart"):
        apart(Student(pipe), "labs.engine.evidence:brief", value=1)


@pytest.mark.parametrize("reply", [{}, {"value": 1, "error": {}}, {"kept": 1}, [], None])
def test_forged_replies_from_apart_are_refused(reply):
    student = Student(lambda *_: b"", apart=lambda _: codec.encode(reply))
    with pytest.raises(ExchangeError, match="neither a result nor an error"):
        apart(student, "labs.engine.evidence:brief", value=1)
