"""Starting, watching and ending sandboxes; whoever is killed, nothing is left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from labs.engine.errors import SandboxError
from labs.engine.sandbox import cgroups, confine, starter
from labs.engine.sandbox.confine import Confined
from labs.engine.sandbox.limits import Limits

SLEEP = "import time; time.sleep(100)"
DAEMONS = """
import subprocess, sys, time
command = [sys.executable, '-S', '-c', 'import time; time.sleep(100)']
for _ in range(3):
    subprocess.Popen(command, start_new_session=True)
channel.sendall(b'started')
time.sleep(100)
"""
WITHIN_S = 20.0
Ask = Callable[..., Any]
Start = Callable[..., tuple[Confined, socket.socket]]


def gone(*pids: int) -> bool:
    """Whether processes end within a time that only a broken chain needs."""
    end_s = time.monotonic() + WITHIN_S
    while any(map(is_running, pids)) and time.monotonic() < end_s:
        time.sleep(0.02)
    return not any(map(is_running, pids))


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def family(confined: Confined) -> tuple[int, int, list[int]]:
    """Zygote, supervisor, and everything inside."""
    first = psutil.Process(confined.pid)
    supervisor = first.parents()[0]
    inside = [first.pid, *(p.pid for p in first.children(recursive=True))]
    return supervisor.ppid(), supervisor.pid, inside


def groups_left() -> list[str]:
    """Control groups of sandboxes whose makers are gone."""
    found = [f for p in cgroups.find_parents() for f in Path(p.folder).glob(f"{cgroups.PREFIX}*")]
    return [f.name for f in found if not Path("/proc", f.name.rpartition("-")[2]).exists()]


@pytest.fixture
def runtime(walls: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of its own, so that a zygote can be killed that nobody else uses."""
    # Paths of sockets are short, and those of pytest's own folders need not be.
    short = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    folder = short / "course-sandbox"
    folder.mkdir(mode=0o700)
    fonts = starter.runtime_folder() / "matplotlib"  # looking for fonts takes seconds
    if fonts.exists():
        shutil.copytree(fonts, folder / "matplotlib")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    yield folder
    for process in psutil.process_iter(["cmdline"]):
        if "labs.engine.sandbox.zygote" in (process.info["cmdline"] or []) and any(
            str(short) in word for word in process.info["cmdline"]
        ):
            process.kill()
    shutil.rmtree(short, ignore_errors=True)


# How it ends.


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("pass", 0, "ended itself with code 0"),
        ("raise SystemExit(3)", 3, "ended itself with code 3"),
        ("raise SystemExit('no')", 1, "ended itself with code 1"),
        ("import os; os._exit(7)", 7, "ended itself with code 7"),
        ("import os; os.abort()", -6, "was ended by SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", -9, "was ended by SIGKILL"),
    ],
)
def test_the_end_is_told_as_it_was(ask: Ask, code: str, expected: int, words: str) -> None:
    answer = ask(code)
    assert (answer.code, answer.confined.ending()) == (expected, words)
    assert answer.confined.poll() == expected
    answer.confined.kill()  # again, and after the end: no harm
    answer.confined.signal(signal.SIGINT)


def test_a_running_sandbox_can_be_asked_interrupted_and_killed(start: Start) -> None:
    code = f"channel.sendall(b'go')\ntry:\n    {SLEEP}\nexcept KeyboardInterrupt: print('stopped')"
    confined, channel = start(code)
    assert channel.recv(2) == b"go"
    assert (confined.poll(), confined.ending()) == (None, "is running")
    with pytest.raises(subprocess.TimeoutExpired):
        confined.wait(0.01)
    confined.signal(signal.SIGINT)
    assert channel.recv(99) == b"stopped\n"
    assert confined.wait(WITHIN_S) == 0


def test_a_killed_sandbox_leaves_no_daemon(start: Start) -> None:
    confined, channel = start(DAEMONS)
    assert channel.recv(7) == b"started"
    inside = family(confined)[2]
    assert len(inside) == 5
    confined.kill()
    assert gone(*inside)
    assert confined.wait(0) == -9
    assert confined.ending() == "was ended by SIGKILL"


def test_daemons_end_with_the_process_that_started_them(ask: Ask) -> None:
    code = "import os, time\npid = os.fork()\nif not pid:\n    os.setsid()\n    time.sleep(100)"
    assert ask(code).code == 0  # the fork holds the channel: it closes only when it is dead


def test_processor_time_of_all_processes_counts(start: Start) -> None:
    code = """
import os, time
def burn(s):
    end = time.process_time() + s
    while time.process_time() < end: pass
if os.fork() == 0:
    burn(0.2)
    os._exit(0)
burn(0.2)
os.wait()
channel.sendall(b'done')
time.sleep(100)
"""
    confined, channel = start(code)
    assert channel.recv(4) == b"done"
    spent_s = confined.cpu_s()
    assert 0.4 <= spent_s < 2.0
    confined.kill()
    assert confined.cpu_s() >= spent_s


def test_processor_time_is_counted_without_groups(start: Start) -> None:
    confined, channel = start("sum(range(10**7))\nchannel.sendall(b'done')\n" + SLEEP)
    assert channel.recv(4) == b"done"
    confined._group = cgroups.Group(())
    assert confined.cpu_s() >= 0.05


def test_a_flood_of_words_is_stopped(ask: Ask) -> None:
    answer = ask("import os\nwhile True: os.write(1, bytes(2**16))")
    assert answer.code == -9
    assert answer.confined.ending() == "was ended because it wrote too much"


def test_what_a_crash_writes_is_kept(ask: Ask) -> None:
    answer = ask("import os, sys; os.write(2, b'last words'); os._exit(1)")
    assert answer.confined.last_words == "last words"


def test_two_sandboxes_are_different_users(start: Start) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user has only one number; its namespaces keep sandboxes apart")
    users = []
    for _ in range(2):
        confined, channel = start("import os; print(os.getuid()); " + SLEEP)
        users.append(psutil.Process(confined.pid).uids().real)
        del channel
    assert len(set(users)) == 2


def test_the_walls_in_force_have_names(ask: Ask) -> None:
    names = ask("pass").confined.walls
    assert {"own processes", "own files, read only", "own network"} <= set(names)
    assert {"no privileges", "system call filter"} <= set(names)
    assert any(name.startswith("memory limit") for name in names)


# What cannot start.


def test_a_task_of_no_known_kind_is_an_ended_process(walls: None) -> None:
    with confine.confine({"kind": "party"}, limits=Limits()) as confined:
        assert confined.wait(WITHIN_S) != 0


def test_a_module_that_cannot_be_preloaded_is_named(runtime: Path) -> None:
    with pytest.raises(SandboxError, match="no_such_module"):
        confine.confine({"kind": "probe"}, limits=Limits(), preload=["no_such_module"])


def test_a_zygote_with_threads_refuses_and_says_why(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = "import threading, time\n"
    module += "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (tmp_path / "busy_module.py").write_text(module)
    both = f"{starter.PROJECT}{os.pathsep}{tmp_path}"
    environment = starter.zygote_environment
    monkeypatch.setattr(
        starter, "zygote_environment", lambda folder: environment(folder) | {"PYTHONPATH": both}
    )
    with pytest.raises(SandboxError, match="2 threads"):
        confine.confine({"kind": "probe"}, limits=Limits(), preload=["busy_module"])


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_runtime_folder_that_others_can_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "course-sandbox").mkdir(mode=0o755)
    (tmp_path / "course-sandbox").chmod(0o755)
    with pytest.raises(SandboxError, match="not a private folder"):
        starter.runtime_folder()


def test_elsewhere_than_on_linux_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    confine.walls_missing.cache_clear()
    reason = confine.walls_missing()
    confine.walls_missing.cache_clear()
    assert reason == "walls need Linux, and this is darwin"
    with pytest.raises(SandboxError, match="walls need Linux"):
        confine.confine({"kind": "probe"}, limits=Limits())


# Whoever is killed.


def test_when_the_client_is_killed_everything_ends(walls: None, tmp_path: Path) -> None:
    script = f"""
    import time
    from labs.engine.sandbox.confine import confine
    from labs.engine.sandbox.limits import Limits
    confined = confine({{"kind": "probe", "code": {SLEEP!r}}}, limits=Limits())
    print(confined.pid, flush=True)
    time.sleep(100)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        first = psutil.Process(pid)
        supervisor = first.ppid()
        inside = [pid, *(p.pid for p in first.children(recursive=True))]
        client.kill()
    assert gone(supervisor, *inside)
    assert groups_left() == []


def test_when_the_supervisor_is_killed_everything_ends(start: Start, ask: Ask) -> None:
    confined, channel = start(DAEMONS)
    assert channel.recv(7) == b"started"
    _, supervisor, inside = family(confined)
    os.kill(supervisor, signal.SIGKILL)
    assert gone(supervisor, *inside)
    assert confined.wait(WITHIN_S) == -9
    end_s = time.monotonic() + WITHIN_S
    while groups_left() and time.monotonic() < end_s:  # the zygote sweeps
        time.sleep(0.1)
    assert groups_left() == []


def test_when_the_zygote_is_killed_everything_ends_and_the_next_one_sweeps(
    runtime: Path, start: Start, ask: Ask
) -> None:
    confined, channel = start(DAEMONS)
    assert channel.recv(7) == b"started"
    zygote, supervisor, inside = family(confined)
    os.kill(zygote, signal.SIGKILL)
    assert gone(zygote, supervisor, *inside)
    assert confined.wait(WITHIN_S) == -9
    (runtime / "k1-left").mkdir()  # process 1 is running: not to be touched
    (runtime / "k0-left").mkdir()
    sockets = sorted(runtime.glob("z-*"))
    assert ask("print('again')").text == "again"
    assert sorted(runtime.glob("z-*")) == sockets
    assert [p.name for p in runtime.glob("k*")] == ["k1-left"]
    assert groups_left() == []


def test_an_idle_zygote_ends_and_leaves_nothing_but_fonts(
    runtime: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "IDLE_S", 0.1)
    confined, _ = start(SLEEP)
    zygote = family(confined)[0]
    time.sleep(1.5)
    assert is_running(zygote)  # it is not idle while a sandbox runs
    confined.kill()
    assert gone(zygote)
    assert {p.name for p in runtime.iterdir()} <= {"lock", "root", "matplotlib", "ipython"}


# An ordinary user.

AS_NOBODY = """
mount --bind {base} {hold}
mount -t tmpfs -o mode=755 tmpfs /{top}
mkdir -p {base}
mount --bind {hold} {base}
export XDG_RUNTIME_DIR={runtime} HOME={runtime} PYTHONPATH={project}
exec setpriv --reuid 65534 --regid 65534 --clear-groups {python} -c {code}
"""


def test_an_ordinary_user_gets_the_same_walls(walls: None, project: Path) -> None:
    """The interpreter may lie in a private folder: this shows it to all, in a private view."""
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user")
    base = Path(os.path.realpath(sys.base_prefix))
    if not all(map(shutil.which, ("unshare", "setpriv", "mount"))) or base.is_relative_to("/usr"):
        pytest.skip("needs unshare and setpriv, and an interpreter outside /usr")
    code = """
import socket
from labs.engine.sandbox.confine import *
from labs.engine.sandbox.limits import Limits
reason = walls_missing()
if reason:
    raise SystemExit('missing: ' + reason)
ours, theirs = socket.socketpair()
code = "import os; print(os.getuid(), os.listdir('.')); open('/usr/x', 'w')"
task = {'kind': 'probe', 'code': code}
with confine(task, limits=Limits(), channel=theirs) as confined:
    theirs.close()
    print(ours.makefile().read(), confined.walls)
"""
    hold, runtime = Path("/tmp/course-walls-hold"), Path("/tmp/course-walls-nobody")
    for folder in (hold, runtime):
        folder.mkdir(mode=0o700, exist_ok=True)
    fonts = starter.runtime_folder() / "matplotlib"
    if fonts.exists():
        shutil.copytree(fonts, runtime / "course-sandbox" / "matplotlib", dirs_exist_ok=True)
    (runtime / "course-sandbox").chmod(0o700)
    for path in (runtime, *runtime.rglob("*")):
        os.chown(path, 65534, 65534)
    script = AS_NOBODY.format(
        base=base, hold=hold, top=base.parts[1], runtime=runtime, project=project,
        python=sys.executable, code="\"$1\"",
    )  # fmt: skip
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    shutil.rmtree(runtime, ignore_errors=True)
    hold.rmdir()
    if run.returncode:
        reason = (run.stdout + run.stderr).strip().splitlines()[-1]
        pytest.skip(f"no ordinary user with walls can be made here: {reason}")
    assert "1000 []" in run.stdout
    assert "Read-only file system: '/usr/x'" in run.stdout
    assert "own user namespace" in run.stdout
