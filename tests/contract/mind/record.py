"""Record the golden requests anew: `python -m tests.contract.mind.record`. Read what changed before it is committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from steward.domain.brief import Brief
from tests.contract.mind.kit import WRITTEN, Answer, heard, message, mind, said, serving

GOLDEN: Final = Path(__file__).with_name("golden")
ANSWERS: Final = {"chat": Answer(), "anthropic": Answer(message(WRITTEN))}
NAMES: Final = {"chat": "openai:gpt-4o-mini", "anthropic": "anthropic:claude-haiku-4-5"}
"""Those whose profile takes a temperature; that others are given none has a test of its own."""


def asked(protocol: str) -> dict[str, Any]:
    """The request that a talk of three messages makes, one of them forwarded, one an answer to a question."""
    talk = heard(
        said("Хочу сайт для пекарни: заказ хлеба на завтра"),
        said("We also need a blog", number=2, forwarded=True),
        said("amber", number=3, answers="template:accent"),
        brief=Brief(title="Пекарня", goal="Заказ хлеба"),
        asked=("Кто будет пользоваться?",),
        lang="ru",
    )
    with serving(ANSWERS[protocol]) as server:
        mind(server, name=NAMES[protocol]).fold(talk)
        assert len(server.asked) == 1
        return server.asked[0]


def shown(request: dict[str, Any]) -> str:
    """A request as its golden file holds it."""
    return json.dumps(request, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    for protocol in ANSWERS:
        (GOLDEN / f"{protocol}.json").write_text(shown(asked(protocol)))
