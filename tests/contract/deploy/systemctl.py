#!/usr/bin/python3
"""Stands in for systemctl on a pretended host: starts units as processes, answers what Ansible asks.

It reads of a unit what the tests need (User, WorkingDirectory, EnvironmentFile, ExecStart) and writes each call
into /run/pretended/calls.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path("/run/pretended")
UNITS = Path("/etc/systemd/system")


def pid_of(unit: str) -> int:
    path = STATE / f"{unit}.pid"
    if not path.exists():
        return 0
    pid = int(path.read_text())
    stat = Path(f"/proc/{pid}/stat")
    return pid if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z" else 0


def start(unit: str) -> None:
    if unit == "caddy.service" or pid_of(unit):
        return
    text = (UNITS / unit).read_text()
    facts = dict(re.findall(r"^(\w+)=(.*)$", text, flags=re.MULTILINE))
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    for name, value in re.findall(
        r'^(\w+)="((?:[^"\\]|\\.)*)"$', Path(facts["EnvironmentFile"]).read_text(), re.MULTILINE | re.DOTALL
    ):
        env[name] = re.sub(r"\\(.)", r"\1", value)
    words = [word.replace("$$", "$").replace("%%", "%") for word in shlex.split(facts["ExecStart"])]
    log = (STATE / f"{unit}.log").open("w")
    process = subprocess.Popen(
        words,
        cwd=facts["WorkingDirectory"],
        env=env,
        user=facts["User"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    (STATE / f"{unit}.pid").write_text(str(process.pid))


def stop(unit: str) -> None:
    if pid := pid_of(unit):
        os.kill(pid, signal.SIGKILL)
    (STATE / f"{unit}.pid").unlink(missing_ok=True)


def named(word: str) -> str:
    return word if word.endswith(".service") else word + ".service"


def main() -> None:
    STATE.mkdir(exist_ok=True)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    with (STATE / "calls").open("a") as calls:
        calls.write(" ".join(sys.argv[1:]) + "\n")
    act, units = words[0], [named(word) for word in words[1:]]
    for unit in units:
        enabled = STATE / f"{unit}.enabled"
        there = unit == "caddy.service" or (UNITS / unit).exists()
        if act in ("stop", "restart") or (act == "disable" and "--now" in sys.argv):
            stop(unit)
        if act in ("start", "restart"):
            start(unit)
        if act == "enable":
            enabled.touch()
        if act == "disable":
            enabled.unlink(missing_ok=True)
        if act == "is-enabled":
            print("enabled" if enabled.exists() else "disabled")
            sys.exit(0 if enabled.exists() else 1)
        if act == "show":
            runs = bool(pid_of(unit)) or unit == "caddy.service"
            print(f"Id={unit}\nLoadState={'loaded' if there else 'not-found'}\nUnitFileState=enabled")
            print(f"ActiveState={'active' if runs else 'inactive'}\nSubState={'running' if runs else 'dead'}")
            print(f"NRestarts=0\nActiveEnterTimestampMonotonic={'1000000' if runs else '0'}")


main()
