"""What code behind the walls sees and can do; each answer comes from inside a real sandbox."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labs.engine.sandbox.limits import MIB, Limits

Ask = Callable[..., Any]
LIBC = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"


def outcome(call: str) -> str:
    """Code that makes a call of the C library and prints its result and error."""
    return f"{LIBC}r = libc.{call}\nprint(r, os.strerror(ctypes.get_errno()) if r < 0 else '')"


# Files.


def test_the_root_holds_only_what_is_needed(ask: Ask) -> None:
    seen = set(ask("import os; print(*os.listdir('/'))").text.split())
    system = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "dev", "proc", "sys"}
    own = {"tmp", "home", "run"}
    shown = {Path(p).resolve().parts[1] for p in (sys.prefix, sys.base_prefix, __file__)}
    assert seen <= system | own | shown
    assert ask("import os; print(*os.listdir(os.path.expanduser('~')))").text == ""


def test_of_the_project_only_what_students_have_is_there(ask: Ask, project: Path) -> None:
    if not (project / "pyproject.toml").exists():
        pytest.skip("installed as a package")
    seen = set(ask(f"import os; print(*os.listdir({str(project)!r}))").text.split())
    environment = Path(sys.prefix).relative_to(project).parts[:1] if in_project(project) else ()
    assert seen == {"labs", "course_utils", "datasets", *environment}
    for name in ("grading", "tests", "course.toml", ".git"):
        assert ask(f"import os; print(os.path.lexists({str(project / name)!r}))").text == "False"


def in_project(project: Path) -> bool:
    return Path(sys.prefix).is_relative_to(project)


def test_a_file_of_the_host_is_absent_however_it_is_named(ask: Ask, tmp_path: Path) -> None:
    secret = tmp_path / "expected.py"
    secret.write_text("EXPECTED = 42\n")
    tmp_path.chmod(0o755)
    for path in (f"{secret}", f"/proc/1/root{secret}", f"/proc/self/root{secret}"):
        answer = ask(f"print(open({path!r}).read())")
        assert "EXPECTED" not in answer.text
        assert "No such file" in answer.text or "Permission denied" in answer.text


def test_a_hidden_module_is_gone_with_its_compiled_form(ask: Ask, project: Path) -> None:
    module = project / "labs" / "engine" / "seeds.py"
    look = f"""
import glob, os, subprocess, sys
path = {str(module)!r}
print(os.path.isfile(path), open(path).read() == '', glob.glob(path[:-8] + '__pycache__/*'))
run = subprocess.run([sys.executable, '-c', 'import labs.engine.seeds'], capture_output=True)
print(run.returncode, b'ModuleNotFoundError' in run.stderr)
"""
    assert ask(look, hide=[module]).text.split("\n") == ["False True []", "1 True"]
    assert ask(f"import os; print(os.path.isfile({str(module)!r}))").text == "True"


def test_a_hidden_folder_is_empty(ask: Ask, project: Path) -> None:
    folder = project / "labs" / "engine"
    assert ask(f"import os; print(os.listdir({str(folder)!r}))", hide=[folder]).text == "[]"


def test_more_paths_can_be_shown_but_not_written(ask: Ask, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "data.txt").write_text("5 7\n")
    path = tmp_path / "data.txt"
    path.chmod(0o666)  # so that nothing but the wall is in the way
    assert ask(f"print(open({str(path)!r}).read())", read_only=[tmp_path]).text == "5 7"
    answer = ask(f"open({str(path)!r}, 'a').write('x')", read_only=[tmp_path])
    assert "Read-only file system" in answer.text
    assert path.read_text() == "5 7\n"


@pytest.mark.parametrize("path", ["/usr/x", "/x", "/etc/x", "/dev/x", "/proc/sys/kernel/hostname"])
def test_the_system_cannot_be_written(ask: Ask, path: str) -> None:
    text = ask(f"open({path!r}, 'w').write('x')").text
    assert "Read-only file system" in text or "Permission denied" in text


def test_installed_packages_cannot_be_written(ask: Ask) -> None:
    code = "import os, torch; open(os.path.dirname(torch.__file__) + '/x', 'w')"
    assert "Read-only file system" in ask(code).text


def test_home_and_tmp_are_its_own(ask: Ask) -> None:
    mark = f"/tmp/course-walls-{os.getpid()}"
    code = f"open('a', 'w').close(); open({mark!r}, 'w').close(); import os; print(os.listdir('.'))"
    assert ask(code).text == "['a']"
    assert not Path(mark).exists()
    assert ask(f"import os; print(os.path.exists({mark!r}), os.listdir('.'))").text == "False []"


def test_a_file_cannot_grow_past_its_limit(ask: Ask) -> None:
    code = "f = open('big', 'wb', buffering=0)\nfor _ in range(9): f.write(bytes(2**20))"
    assert "File too large" in ask(code).text


def test_all_files_together_are_limited(ask: Ask) -> None:
    code = "for n in range(12): open(str(n), 'wb').write(bytes(2**20))"
    assert "No space left on device" in ask(code).text


# Environment and network.


def test_no_variable_of_the_client_gets_in(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_TOKEN", "sekrit")
    code = "import os; print('sekrit' in str(dict(os.environ)) + open('/proc/self/environ').read())"
    assert ask(code).text == "False"
    assert ask("import os; print(os.environ['A'])", environment={"A": "asked"}).text == "asked"


def test_the_host_cannot_be_reached(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        code = f"import socket; socket.create_connection({server.getsockname()!r}, 2)"
        assert "refused" in ask(code).text
        with pytest.raises(BlockingIOError):
            server.accept()
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    assert "unreachable" in ask(code).text


def test_named_sockets_of_the_host_cannot_be_reached(ask: Ask) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0course-walls-{os.getpid()}")
        server.listen()
        name = server.getsockname()
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
        assert "refused" in ask(code).text


def test_its_own_loopback_works(ask: Ask) -> None:
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1]), 2).sendall(b"hello")
print(server.accept()[0].recv(9), socket.gethostbyname(socket.gethostname()))
"""
    assert ask(code).text == "b'hello' 127.0.0.1"


def test_a_virtual_machine_has_no_line_to_its_host(ask: Ask) -> None:
    assert "not supported" in ask("import socket; socket.socket(40, socket.SOCK_STREAM)").text


# Processes and privileges.


def test_only_its_own_processes_are_seen(ask: Ask) -> None:
    text = ask(
        "import os; print(os.getpid(), [p for p in os.listdir('/proc') if p.isdigit()])"
    ).text
    assert text == "2 ['2']"


def test_the_first_process_cannot_be_ended_or_read(ask: Ask) -> None:
    code = "import os, time; os.kill(os.getppid(), 9); time.sleep(0.1); print(os.getppid())"
    assert ask(code).text == "1"
    assert "Error" in ask("open('/proc/1/environ').read()").text


def test_processes_and_threads_are_limited(ask: Ask) -> None:
    code = """
import os, signal, time
pids = []
try:
    for _ in range(40):
        pid = os.fork()
        if not pid:
            time.sleep(20)
            os._exit(0)
        pids.append(pid)
except OSError as err:
    print(type(err).__name__, len(pids) < 16)
for pid in pids:
    os.kill(pid, signal.SIGKILL)
"""
    assert ask(code).text == "BlockingIOError True"


@pytest.mark.parametrize("how", ["bytearray(300 * 2**20)", "torch.empty(300 * 2**20).fill_(1)"])
def test_too_much_memory_is_an_error_and_no_end(ask: Ask, how: str) -> None:
    code = f"""
import torch
try:
    {how}
except (MemoryError, RuntimeError) as err:
    print(type(err).__name__)
print('alive')
"""
    assert ask(code).text.split() in (["MemoryError", "alive"], ["RuntimeError", "alive"])


def test_what_is_within_the_limit_can_be_had(ask: Ask) -> None:
    assert ask("print(len(bytearray(64 * 2**20)))").text == str(64 * MIB)


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",  # CLONE_NEWUSER
        "mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None)",
        "ptrace(16, 1, 0, 0)",  # PTRACE_ATTACH
        "setns(3, 0)",
        "chroot(b'/tmp')",
        "sethostname(b'x', 1)",
        "personality(0x40000)",
        "shmget(0, 4096, 0o1000)",
        "ioctl(0, 0x5412, b'x')",  # TIOCSTI
        "setuid(0)",
        "setgid(0)",
    ],
)
def test_a_call_that_could_breach_a_wall_is_refused(ask: Ask, call: str) -> None:
    assert ask(outcome(call)).text == "-1 Operation not permitted"


def test_nothing_is_left_to_administer_with(ask: Ask) -> None:
    code = "print(dict(l.split(':', 1) for l in open('/proc/self/status')))"
    status = {k: v.strip() for k, v in eval(ask(code).text).items()}
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split()[0] != "0"
    assert status["Groups"] == "" or os.geteuid() != 0


def test_no_descriptor_is_left_open(ask: Ask) -> None:
    code = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])"
    assert ask(code).text == "[0, 1, 2, 3]"


# What labs need works.


def test_programs_can_be_compiled_and_run(ask: Ask) -> None:
    code = """
import shutil, subprocess
if shutil.which('gcc') is None:
    print('no compiler')
else:
    open('a.c', 'w').write('#include <stdio.h>\\nint main(void) { puts("built"); }')
    subprocess.run(['gcc', 'a.c', '-o', 'a'], check=True)
    print(subprocess.run(['./a'], capture_output=True, text=True).stdout)
"""
    text = ask(code).text
    if text == "no compiler":
        pytest.skip("no gcc on this machine")
    assert text == "built"


def test_data_loaders_start_their_workers(ask: Ask) -> None:
    code = """
import torch
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.arange(20))
print(sum(int(b[0].sum()) for b in DataLoader(data, batch_size=5, num_workers=2)))
"""
    assert ask(code, Limits()).text == "190"


def test_torchrun_starts_and_its_ranks_talk(ask: Ask) -> None:
    script = "import torch, torch.distributed as d; d.init_process_group('gloo');"
    script += "t = torch.ones(1); d.all_reduce(t); print(f'sum {t.item()}');"
    script += "d.destroy_process_group()"  # else a thread of it may end the rank with an abort
    code = f"""
import subprocess, sys
open('a.py', 'w').write({script!r})
command = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node=2', 'a.py']
run = subprocess.run(command, capture_output=True, text=True)
print(run.stdout.count('sum 2.0'), run.stderr if run.returncode else '')
"""
    assert ask(code, Limits()).text == "2"
