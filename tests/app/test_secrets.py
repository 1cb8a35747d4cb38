"""A secret that leaks into what tools say is found nowhere: not in the database, in any form."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from urllib.parse import quote

from steward.adapters.log import Redaction
from steward.adapters.store import open_store
from steward.domain.agents import Outcome, RunEvent, RunEventKind, RunResult
from steward.domain.status import Status
from steward.ports import Permanent, Unreachable
from steward.ports.building import Deployed
from steward.testing.clock import START
from steward.testing.driven import Driven

KEY = "sk-planted/secret+key=4711"
FORMS = (KEY, base64.b64encode(KEY.encode()).decode(), quote(KEY, safe=""), KEY.encode().hex())
LEAK = " and ".join(FORMS)


def test_what_tools_say_of_a_secret_is_kept_nowhere(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/steward.db", upgrade=True)
    driven = Driven(store, tmp_path / "work", redact=Redaction([KEY]))
    driven.order()
    driven.agent.says = [
        RunResult(Outcome.CRASHED, reason=f"crashed with {LEAK}", tail=LEAK),
        RunResult(Outcome.COMPLETED, tail=LEAK),
    ]
    driven.agent.talks = RunEvent(2, START, RunEventKind.TEXT, LEAK, raw=LEAK)
    driven.agent.rejects = [[f"the page shows {LEAK}"]]
    driven.build.fail("ensure_pull", error=Unreachable(f"no answer with {LEAK}"))
    driven.build.fail("merge", error=Permanent(f"refused with {LEAK}", LEAK))
    driven.deployer.ends = [Deployed("failed", failed_task="Copy", reason=LEAK, tail=LEAK)]
    for _ in range(8):
        driven.drive()
        if driven.project().status is Status.ACTIVE:
            break
        driven.building().retry("shop")
    assert driven.project().status is Status.ACTIVE
    assert driven.deployer.ends == []
    assert driven.agent.rejects == []
    driven.deliver()
    store.close()
    dump = "\n".join(sqlite3.connect(tmp_path / "steward.db").iterdump())
    assert "********" in dump
    for form in FORMS:
        assert form not in dump
    assert not any(form in notice.body + notice.title for form in FORMS for _, notice in driven.recorder.sent)
    assert KEY not in repr([run.environment for run in driven.agent.runs])
