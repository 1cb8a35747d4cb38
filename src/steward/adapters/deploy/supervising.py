"""The supervisor's word on processes without an address: the keeper's on this machine, systemd's on a host."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steward.adapters.deploy import units
from steward.adapters.deploy.local import SLUG, LocalHost, Running
from steward.adapters.deploy.private import PrivateFolders
from steward.adapters.deploy.targets import Target, checked
from steward.ports import Permanent

ADDRESS: Final = re.compile(r"process://([^/]+)/([^/]+)")
ASK_S: Final = 20.0
PROPERTIES: Final = "Id,ActiveState,SubState,NRestarts,ActiveEnterTimestampMonotonic"


class Supervisors:
    """Asks whoever supervises an address `process://<host>/<slug>`; the probe's `process`."""

    def __init__(self, state_dir: Path, targets: Sequence[Target], *, local: LocalHost) -> None:
        self._targets = {target.name: checked(target) for target in targets}
        self._local = local
        self._folders = PrivateFolders(state_dir)

    def __call__(self, url: str) -> Running | None:
        """The word on one address; None where nobody answers for it. Raises nothing that a look could meet."""
        found = ADDRESS.fullmatch(url)
        if found is None or not SLUG.fullmatch(found[2]):
            return None
        target = self._targets.get(found[1])
        if target is None or target.kind == "local":
            return self._local.running(found[2]) if target or found[1] == "local" else None
        try:
            with self._folders.one() as folder:
                asked = subprocess.run(
                    ask_command(target, found[2], folder),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=ASK_S,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired, Permanent):
            return None
        return systemd_word(asked.stdout) if asked.returncode == 0 else None


def ask_command(target: Target, slug: str, folder: Path) -> list[str]:
    """The command that asks a host, over SSH, which commit a project's pointer names and how its unit does."""
    reach = units.connection(target, folder)
    script = (
        f'commit=$(basename "$(readlink {target.base}/{slug}/current)"); echo "Commit=$commit"; '
        'echo "Uptime=$(cut -d" " -f1 /proc/uptime)"; '
        f'systemctl show --property={PROPERTIES} "steward-{slug}-$(printf %.12s "$commit").service"'
    )
    return [
        "ssh",
        *reach["ansible_ssh_common_args"].split(),
        *("-o", "ConnectTimeout=10", "-i", str(target.key_file), "-p", str(target.port)),
        *("-l", target.user, "--", target.address, script),
    ]


def systemd_word(text: str) -> Running:
    """What `ask_command` printed, as a word. `ActiveEnterTimestampMonotonic` is in microseconds since boot."""
    found = dict(re.findall(r"^(\w+)=(.*)$", text, flags=re.MULTILINE))
    commit, since = found.get("Commit", ""), found.get("ActiveEnterTimestampMonotonic", "")
    runs = (found.get("ActiveState"), found.get("SubState")) == ("active", "running")
    named = bool(commit) and found.get("Id", "").endswith(f"-{commit[:12]}.service")
    try:
        up_s = max(0.0, float(found["Uptime"]) - int(since) / 1e6) if runs else 0.0
        restarts = int(found.get("NRestarts", "0"))
    except (KeyError, ValueError):
        up_s, restarts = 0.0, 0
    return Running(runs and named, commit, up_s, restarts)
