"""A pretended host: a real sshd on the loopback, in namespaces of its own, with its own /etc, /srv and systemctl."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from steward.adapters.deploy.release import spare_port
from steward.adapters.deploy.targets import Target
from tests.contract.deploy.kit import await_true

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Host:
    """The host as a target, and where its files lie on this machine."""

    target: Target
    etc: Path
    srv: Path
    run: Path

    def calls(self) -> str:
        """What systemctl was called with."""
        return (self.run / "calls").read_text()


def _key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@contextmanager
def pretended_host(folder: Path) -> Iterator[Host]:
    """Run one. Needs root, bubblewrap and sshd."""
    sshd = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if sshd is None or os.getuid() != 0 or shutil.which("bwrap") is None:
        pytest.fail("needs root, bubblewrap and openssh-server: apt-get install bubblewrap openssh-server")
    etc, srv, run = folder / "etc", folder / "srv", folder / "pretended"
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True)
    for made in (srv, run, etc / "caddy", etc / "systemd" / "system"):
        made.mkdir(exist_ok=True, parents=True)
    (etc / "caddy" / "Caddyfile").write_text("# the owner's own\n")
    port, host_key, _user_key = spare_port(), _key(folder / "host_key"), _key(folder / "user_key")
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    stand_in = folder / "systemctl"
    stand_in.write_bytes(Path(__file__).with_name("systemctl.py").read_bytes())
    stand_in.chmod(0o755)
    box = ["bwrap", "--dev-bind", "/", "/", "--bind", str(etc), "/etc", "--bind", str(srv), "/srv"]
    box += ["--tmpfs", "/run", "--dir", "/run/sshd", "--bind", str(run), "/run/pretended"]
    box += ["--ro-bind", str(stand_in), os.path.realpath("/usr/bin/systemctl")]
    box += ["--unshare-pid", "--proc", "/proc", "--die-with-parent", "--"]
    with (folder / "sshd.log").open("w") as log:
        process = subprocess.Popen([*box, sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
        try:
            await_true(lambda: answers(port))
            target = Target(
                "web",
                "ssh",
                "127.0.0.1",
                "root",
                port,
                folder / "user_key",
                host_key,
                domain_pattern="{slug}.example.test",
                ports=(spare_port(), 65000),
                python="/usr/bin/python3",
            )
            yield Host(target, etc, srv, run)
        finally:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0
