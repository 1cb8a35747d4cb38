"""The GitHub clients: `connect` makes one that only reads, with a `Token` or an `App`; `connect_hooks` one for
webhooks; `connect_watch` one for branches and settings; `connect_write` one that builds.
"""

from steward.adapters.github.client import GitHubRead, connect
from steward.adapters.github.credentials import App, Credential, Token
from steward.adapters.github.hooks import GitHubHooks, connect_hooks
from steward.adapters.github.watch import GitHubWatch, connect_watch
from steward.adapters.github.write import GitHubWrite, connect_write

__all__ = [
    "App",
    "Credential",
    "GitHubHooks",
    "GitHubRead",
    "GitHubWatch",
    "GitHubWrite",
    "Token",
    "connect",
    "connect_hooks",
    "connect_watch",
    "connect_write",
]
