"""How far a sweep is: one line on a terminal, few lines elsewhere, and failures at once."""

import io
import threading

import pytest

from labs.engine.sweeps.executors import Ended
from labs.engine.sweeps.folder import Asking, Run, SweepFolder
from labs.engine.sweeps.progress import Progress, progress_text

ERROR = {"cell": 2, "source": "1 / 0", "name": "E", "message": "division\nby zero"}


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def lines(self):
        """What stands on each line when everything is written, as a terminal shows it."""
        return [line.rpartition("\x1b[K")[2] for line in self.getvalue().split("\n")]


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def folder(tmp_path):
    runs = {f"r{n}": Run(f"r{n}", {"width": n, "seed": 1}) for n in range(4)}
    return SweepFolder(tmp_path, target="toy", asked=runs, asking=Asking())


def ended(run_id, **error):
    status = "failed" if error else "ok"
    return Ended(run_id, {"status": status, "provenance": {"error": error} if error else {}})


def test_a_terminal_has_one_line_that_is_gone_at_the_end(folder):
    stream, clock = Terminal(), Clock()
    with Progress(stream, folder, total=4, clock=clock) as progress:
        for number in range(3):
            clock.now_s += 60
            progress.watch(f"r{number}", 0, 0)
            progress.watch(f"r{number}", 1, 5)
            progress.ended(ended(f"r{number}"))
        assert stream.lines() == ["3 of 4 runs, about 60 s left"]
    assert stream.lines() == [""]


def test_a_terminal_is_not_written_to_more_often_than_one_can_read(folder):
    stream = Terminal()
    with Progress(stream, folder, total=4, clock=Clock()) as progress:
        for cell in range(1000):
            progress.watch("r0", cell, 1000)
    assert stream.getvalue() == ""


def test_elsewhere_there_is_a_line_now_and_then_and_one_at_the_end(folder):
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, folder, total=4, clock=clock) as progress:
        for number in range(4):
            clock.now_s += 20
            progress.ended(ended(f"r{number}"))
    assert stream.getvalue().splitlines() == ["2 of 4 runs, about 40 s left", "4 of 4 runs"]


def test_a_failure_is_told_at_once_in_a_line_that_stays(folder):
    log = folder.place("r2") / "log.txt"
    line = f"width=2, seed=1: failed in cell 2, '1 / 0': E: division by zero; see {log}"
    for stream in (Terminal(), io.StringIO()):
        with Progress(stream, folder, total=4, clock=Clock()) as progress:
            progress.ended(ended("r1"))
            progress.ended(ended("r2", **ERROR))
        shown = stream.lines() if stream.isatty() else stream.getvalue().split("\n")
        assert shown == [line, ""]


def test_further_runs_and_lines_of_others_keep_the_line_whole(folder):
    stream, clock = Terminal(), Clock()
    with Progress(stream, folder, total=1, clock=clock) as progress:
        progress.expect(3)
        clock.now_s = 10
        progress.ended(ended("r0"))
        progress.tell("a word")
        progress.ended(ended("r1"))
        clock.now_s = 20
        progress.ended(ended("r2"))
    assert stream.lines() == ["a word", ""]
    assert "3 of 4 runs, about 7 s left" in stream.getvalue()


def test_threads_may_tell_at_the_same_time(folder):
    stream = Terminal()
    with Progress(stream, folder, total=400) as progress:

        def tell(name):
            for cell in range(100):
                progress.watch(name, cell, 100)
                progress.ended(ended(name))

        threads = [threading.Thread(target=tell, args=(name,)) for name in folder.asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stream.lines() == ["400 of 400 runs"]


def test_nothing_is_forecast_before_a_run_is_over():
    assert progress_text(0, 4, failed=0, running=[(0, 0)], elapsed_s=9) == "0 of 4 runs"
