"""The GitHub read client: `connect` makes one, with a `Token` or an `App`. It changes nothing on the server."""

from steward.adapters.github.client import GitHubRead, connect
from steward.adapters.github.credentials import App, Credential, Token
from steward.adapters.github.hooks import GitHubHooks, connect_hooks

__all__ = ["App", "Credential", "GitHubHooks", "GitHubRead", "Token", "connect", "connect_hooks"]
