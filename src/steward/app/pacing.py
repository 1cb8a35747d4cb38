"""The pace at which Telegram takes messages of a bot. Source: Bot API FAQ, "My bot is hitting limits"."""

from __future__ import annotations

from collections import deque
from typing import Final

from steward.domain.chats import Chat, ChatKind
from steward.domain.instant import Instant, elapsed_s

CHAT_S: Final = 1.0
"""Between two messages in one chat."""
GROUP_MAX: Final = 20
GROUP_S: Final = 60.0
OVERALL_MAX: Final = 30
OVERALL_S: Final = 1.0


class Pace:
    """What was sent lately, in memory. A process that begins anew knows nothing: Telegram tells it to wait."""

    def __init__(self) -> None:
        self._overall: deque[Instant] = deque(maxlen=OVERALL_MAX)
        self._chats: dict[int, deque[Instant]] = {}

    def wait_s(self, chat: Chat, now: Instant) -> float:
        """Seconds until a message may be sent there; 0: now."""
        mine = self._chats.get(chat.id)
        waits = [0.0]
        if len(self._overall) == OVERALL_MAX:
            waits.append(OVERALL_S - elapsed_s(self._overall[0], now))
        if mine:
            waits.append(CHAT_S - elapsed_s(mine[-1], now))
            if chat.kind is ChatKind.GROUP and len(mine) == GROUP_MAX:
                waits.append(GROUP_S - elapsed_s(mine[0], now))
        return max(waits)

    def count(self, chat: Chat, now: Instant) -> None:
        """One is sent there now."""
        self._overall.append(now)
        self._chats.setdefault(chat.id, deque(maxlen=GROUP_MAX)).append(now)
