"""Runs one playbook in a process of its own, `python -m steward.adapters.deploy.play`, and tells how it goes.

The job comes as JSON on the input: {"folder", "playbook", "secrets": {name: text}, "timeout_s"}. Each line of
the output is a JSON object: {"said"} a sentence, {"line"} what Ansible printed, {"failed": {"task", "reason"}},
and last {"end": {"status", "rc", "dark"}}. What is told here is not redacted yet; whoever started this does that.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

import ansible_runner
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from steward.adapters.deploy.release import die_with_parent

WORDS: Final = {
    "runner_on_failed": "failed",
    "runner_on_unreachable": "not reached",
    "runner_on_skipped": "not needed",
}


def main() -> None:
    """Read the job, run it, tell its end. It does not outlive whoever started it."""
    die_with_parent()
    job = json.loads(sys.stdin.read())
    folder = Path(job["folder"])
    seal(folder, job.pop("secrets"))
    teller = Teller()
    ran = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=job["playbook"],
        inventory=str(folder / "inventory"),
        event_handler=teller.hear,
        cancel_callback=lambda: False,
        settings={"job_timeout": int(job["timeout_s"]) + 1, "pexpect_use_poll": True},
        quiet=True,
    )
    teller.tell(end={"status": ran.status, "rc": ran.rc, "dark": teller.dark})


def seal(folder: Path, secrets: dict[str, str]) -> None:
    """Write the secrets as an encrypted file of variables, and its throw-away password beside it."""
    password = token_urlsafe(32)
    vault = VaultLib([("default", VaultSecret(password.encode()))])
    _write(folder / "inventory" / "group_vars" / "all" / "vault.yml", vault.encrypt(yaml.safe_dump(secrets)))
    _write(folder / "vault-password", password.encode())


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)


class Teller:
    """Turns Ansible's events into lines of output. `dark`: a host was not reached."""

    def __init__(self) -> None:
        self.dark = False
        self._out = os.fdopen(os.dup(1), "w", buffering=1)

    def tell(self, **told: Any) -> None:
        """Write one line."""
        self._out.write(json.dumps(told) + "\n")

    def hear(self, event: dict[str, Any]) -> bool:
        """Take one event in."""
        name = event.get("event", "")
        data = event.get("event_data") or {}
        task = str(data.get("task") or "")
        if name == "playbook_on_task_start":
            self.tell(said=f"{task} ...")
        elif name == "runner_on_ok":
            changed = bool((data.get("res") or {}).get("changed"))
            self.tell(said=f"{task}: {'changed' if changed else 'ok'}")
        elif name in WORDS:
            self.tell(said=f"{task}: {WORDS[name]}")
        if name in {"runner_on_failed", "runner_on_unreachable"} and not data.get("ignore_errors"):
            self.dark = self.dark or name == "runner_on_unreachable"
            self.tell(failed={"task": task, "reason": reason_of(data.get("res") or {})})
        if event.get("stdout"):
            self.tell(line=event["stdout"])
        if name == "runner_on_failed" and (wrote := (data.get("res") or {}).get("stderr")):
            # Ansible shows this as one long line of JSON; people read lines.
            self.tell(line=str(wrote))
        return True


def reason_of(result: dict[str, Any]) -> str:
    """Why a task failed, in its own words: the last line a program wrote, else the module's message."""
    if result.get("censored"):
        return "what it said is hidden, because it handles secrets"
    for key in ("stderr", "msg", "module_stderr", "stdout"):
        lines = [line.strip() for line in str(result.get(key) or "").splitlines() if line.strip()]
        if lines:
            return lines[-1]
    return "it gave no reason"


if __name__ == "__main__":
    main()
