"""Seals: what our own merges bear in their message, so that they are known again without the ledger.

A database that was restored knows nothing of the merges made after its backup; the seal in the commit does.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import Final

from steward.domain.hands import Commit

TRAILER: Final = "Steward-Seal"
_LINE: Final = re.compile(rf"^{TRAILER}: ([0-9a-f]{{40,64}}) ([0-9a-f]{{64}})$", re.MULTILINE)


def seal(key: bytes, repository_id: int, head: str) -> str:
    """The trailer for a merge of that head into that repository."""
    return f"{TRAILER}: {head} {_mac(key, repository_id, head)}"


def _mac(key: bytes, repository_id: int, head: str) -> str:
    return hmac.new(key, f"merge:{repository_id}:{head}".encode(), sha256).hexdigest()


def is_sealed(key: bytes, repository_id: int, commit: Commit) -> bool:
    """Whether a commit bears a true seal of ours for what it merges.

    A merge commit must have the sealed head as its second parent; a squashed one has no such parent to compare.
    """
    for head, mac in _LINE.findall(commit.message):
        if hmac.compare_digest(mac, _mac(key, repository_id, head)):
            return len(commit.parents) < 2 or commit.parents[1] == head
    return False
