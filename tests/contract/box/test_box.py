"""What a program in a box can see and take, and that nothing of it stays."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from steward.adapters.box import Bubblewrap, NoBox
from steward.ports.box import BoxEnd, BoxOrder, Line, Running, Tunnel, Why
from steward.ports.errors import Permanent
from tests.contract.agents.kit import alive

BOX = Bubblewrap()
PYTHON = str(Path(sys.executable).resolve())


def heard(running: Running) -> tuple[list[Line], BoxEnd]:
    """Everything it says, and how it ends."""
    lines = []
    while not running.over:
        if (line := running.line(1)) is not None:
            lines.append(line)
    return lines, running.end()


def said(*argv: str, cwd: Path = Path("/tmp"), **more: object) -> tuple[str, BoxEnd]:
    """The text of both streams of a command in a box."""
    lines, end = heard(BOX.start(BoxOrder(argv=argv, cwd=cwd, **more)))  # type: ignore[arg-type]  # any of its fields
    return "\n".join(line.text.decode() for line in lines), end


@pytest.fixture
def secret() -> str:
    """A text that occurs nowhere else."""
    return secrets.token_hex(16)


def test_a_command_reads_says_and_ends(tmp_path: Path) -> None:
    order = BoxOrder(
        argv=("sh", "-c", "cat; echo wrong >&2; echo $NAME; exit 3"),
        cwd=tmp_path,
        writable=(tmp_path,),
        environment={"NAME": "value"},
        stdin="one\r\ntwo",
    )
    lines, end = heard(BOX.start(order))
    assert [line.text for line in lines if not line.error] == [b"one", b"twovalue"]
    assert [line.text for line in lines if line.error] == [b"wrong"]
    assert end == BoxEnd(Why.EXITED, 3)


def test_a_long_text_arrives_whole_and_the_end_of_it_too() -> None:
    text, end = said("sh", "-c", "wc -c", stdin="x" * 1_000_000)
    assert (text.strip(), end.exit_code) == ("1000000", 0)


def test_a_command_that_does_not_read_is_no_trouble() -> None:
    assert said("true", stdin="x" * 1_000_000)[1] == BoxEnd(Why.EXITED, 0)


def test_a_signal_and_a_missing_program_show_in_the_exit_code() -> None:
    assert said("sh", "-c", "kill -9 $$")[1] == BoxEnd(Why.EXITED, 137)
    text, end = said("no-such-program")
    assert (text, end.exit_code) == ("no-such-program: No such file or directory", 127)


def test_a_path_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    running = BOX.start(BoxOrder(argv=("true",), cwd=tmp_path, writable=(tmp_path / "missing",)))
    with pytest.raises(Permanent, match="no box could be built"):
        heard(running)


def test_files_that_are_not_given_are_not_there(tmp_path: Path, secret: str) -> None:
    database, key, clone = tmp_path / "steward.db", tmp_path / "master.key", tmp_path / "clone"
    clone.mkdir()
    for file in (database, key, clone / "mine"):
        file.write_text(secret)
    text, _ = said(
        *(
            "sh",
            "-c",
            f"cat {database} {key}; ls -A /root /home /var /opt {tmp_path}; cat /etc/shadow; cat mine",
        ),
        cwd=clone,
        writable=(clone,),
    )
    assert text.count(secret) == 1, "of all that is there, only the clone is in sight"
    assert text.count("No such file or directory") >= 5
    assert text.splitlines().count("clone") == 1


def test_only_what_is_writable_can_be_written(tmp_path: Path) -> None:
    clone, given = tmp_path / "clone", tmp_path / "given"
    clone.mkdir()
    given.mkdir()
    for place in ("/", "/usr", "/etc", "/dev", str(given)):
        text, end = said("touch", f"{place}/x", cwd=clone, writable=(clone,), readable=(given,))
        assert end.exit_code == 1, (place, text)
    assert said("touch", "x", "/tmp/x", cwd=clone, writable=(clone,))[1].exit_code == 0
    assert said("touch", f"{tmp_path}/lost", cwd=clone, writable=(clone,))[1].exit_code == 0, (
        "in a /tmp of its own"
    )
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["clone", "given", "x"]
    assert (clone / "x").stat().st_uid == os.getuid(), "what is written there is ours"


def test_the_environment_is_what_was_given(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("STEWARD_SECRET", secret)
    text, _ = said("sh", "-c", "env; cat /proc/*/environ | tr '\\0' '\\n'", environment={"GIVEN": "yes"})
    assert secret not in text
    names = {line.partition("=")[0] for line in text.splitlines() if "=" in line}
    assert names == {"GIVEN", "HOME", "LANG", "PATH", "PWD", "TERM", "USER"}


def test_no_process_of_the_machine_is_in_sight() -> None:
    text, _ = said("sh", "-c", "ls -d /proc/[0-9]*; id -u")
    assert len(text.split()) <= 5
    assert text.split()[-1] == "1000"


def test_neither_this_machine_nor_the_net_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = (
            "import socket\n"
            f"for place in [('127.0.0.1', {listening.getsockname()[1]}), ('169.254.169.254', 80), ('1.1.1.1', 443)]:\n"
            "    try: socket.create_connection(place, 2); print('reached', place)\n"
            "    except OSError as error: print('refused')\n"
        )
        assert said(PYTHON, "-c", code)[0].split() == ["refused"] * 3


def test_nobody_inside_gains_rights() -> None:
    text, _ = said("sh", "-c", "grep -E 'Cap(Eff|Prm|Inh)|NoNewPrivs' /proc/self/status; unshare -Ur true")
    assert [line.split()[1] for line in text.splitlines()[:4]] == ["0" * 16] * 3 + ["1"]
    assert "failed" in text, "no namespaces of their own"


def gone(mark: str) -> bool:
    """Whether no living process bears a mark."""
    return alive(mark) == []


@pytest.mark.parametrize("how", ["kill", "wall", "exit", "output"])
def test_nothing_outlives_its_box(secret: str, how: str) -> None:
    # Children that left the group, ignore signals, closed their streams, and were left behind by their parent.
    code = f"""
import os, signal, sys, time
for number in range(6):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if number % 2: os.setsid()
        if number % 3: os.closerange(0, 3)
        os.execv({PYTHON!r}, [{PYTHON!r}, "-c", "import time; time.sleep(99)", {secret!r}])
print("ready", flush=True)
{"time.sleep(99)" if how != "exit" else ""}
"""
    order = BoxOrder(
        argv=(PYTHON, "-c", code, secret),
        cwd=Path("/tmp"),
        wall_s=1.0 if how == "wall" else 60.0,
        output_bytes=3 if how == "output" else 100,
    )
    running = BOX.start(order)
    if how == "kill":
        assert running.line(20) == Line(b"ready")
        assert alive(secret) != []
        running.kill()
    _, end = heard(running)
    assert gone(secret)
    assert end.why.value == {"kill": "killed", "exit": "exited"}.get(how, how)


def test_a_box_ends_with_the_process_that_made_it(secret: str, tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from steward.adapters.box import Bubblewrap
from steward.ports.box import BoxOrder
running = Bubblewrap().start(BoxOrder(argv=("sh", "-c", "echo ready; sleep 99; echo {secret}"), cwd=Path("/tmp")))
assert running.line(20)
os.kill(os.getpid(), signal.SIGKILL)
"""
    os.waitpid(os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code]), 0)
    until = time.monotonic() + 10
    while not gone(secret) and time.monotonic() < until:
        time.sleep(0.02)
    assert gone(secret)


def test_a_fork_bomb_is_bounded() -> None:
    text, end = said("sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 99", processes_max=40, wall_s=10)
    assert "Cannot fork" in text or end.why is Why.PROCESSES
    assert end.why in {Why.PROCESSES, Why.WALL, Why.EXITED}


def test_the_memory_of_one_and_of_all_processes_is_bounded() -> None:
    text, end = said(PYTHON, "-c", "x = bytearray(10**9)", memory_bytes=200_000_000)
    assert "MemoryError" in text
    code = "import os, time\nfor _ in range(4): os.fork()\nx = b'1' * 50_000_000\ntime.sleep(60)"
    assert said(PYTHON, "-c", code, memory_bytes=200_000_000)[1] == BoxEnd(Why.MEMORY)
    text, end = said("sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=100", memory_bytes=50_000_000)
    assert "No space left" in text
    assert end.exit_code == 1


def test_a_file_is_bounded(tmp_path: Path) -> None:
    argv = ("dd", "if=/dev/zero", "of=x", "bs=1M", "count=9")
    assert "too large" in said(*argv, cwd=tmp_path, writable=(tmp_path,), file_bytes=1_000_000)[0]


def test_output_is_bounded_as_a_whole_and_by_the_line() -> None:
    text, end = said("yes", output_bytes=100_000)
    assert end == BoxEnd(Why.OUTPUT)
    assert len(text) <= 100_000
    lines, end = heard(
        BOX.start(BoxOrder(argv=("printf", "123456\\n12\\n12345"), cwd=Path("/tmp"), line_bytes=4))
    )
    assert [(line.text, line.cut) for line in lines] == [(b"1234", True), (b"12", False), (b"1234", True)]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """A unix socket that answers in capitals, piece by piece."""
    path = tmp_path / "out.sock"

    def serve() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with peer:
                while piece := peer.recv(1000):
                    peer.sendall(piece.upper())

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_tunnel_leads_out_to_one_socket(service: Path) -> None:
    code = """
import socket, sys
for number in range(3):
    with socket.create_connection(("127.0.0.1", 8300), 5) as out:
        for word in (b"one", b"two"):
            out.sendall(word)
            print(out.recv(10).decode())
        out.shutdown(socket.SHUT_WR)
        assert out.recv(10) == b""
sys.exit(4 if sys.stdin.read() == "" else 5)
"""
    text, end = said(PYTHON, "-c", code, network=Tunnel(service), stdin="")
    assert (text.split(), end.exit_code) == (["ONE", "TWO"] * 3, 4)
    assert said("sh", "-c", "kill -9 $$", network=Tunnel(service))[1].exit_code == 137


def test_a_machine_without_boxes_says_why_and_what_to_do(tmp_path: Path) -> None:
    missing = Bubblewrap("no-such-bubblewrap")
    assert "apt-get install bubblewrap" in str(missing.available())
    with pytest.raises(Permanent, match="apt-get install bubblewrap"):
        missing.start(BoxOrder(argv=("true",), cwd=tmp_path))
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    assert "kernel.unprivileged_userns_clone" in str(Bubblewrap(str(refusing)).available())
    assert BOX.available() is None


def test_without_a_box_the_group_is_killed_and_bounds_of_time_and_output_hold(secret: str) -> None:
    box = NoBox()
    code = f"import os, time\nos.fork()\nprint('ready', flush=True)\ntime.sleep(99)  # {secret}"
    running = box.start(BoxOrder(argv=(PYTHON, "-c", code), cwd=Path("/tmp")))
    assert running.line(20) == Line(b"ready")
    running.kill()
    assert heard(running)[1] == BoxEnd(Why.KILLED)
    assert gone(secret)
    assert heard(box.start(BoxOrder(argv=("yes",), cwd=Path("/tmp"), output_bytes=10)))[1].why is Why.OUTPUT
    assert heard(box.start(BoxOrder(argv=("sleep", "9"), cwd=Path("/tmp"), wall_s=0.3)))[1].why is Why.WALL
    with pytest.raises(Permanent, match="needs a box"):
        box.start(BoxOrder(argv=("true",), cwd=Path("/tmp"), network=Tunnel(Path("/x"))))
