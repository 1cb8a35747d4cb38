"""A Steward elsewhere, asked over its API: the same questions, the same answers, the same refusals."""

from steward.adapters.remote.client import Remote, connect

__all__ = ["Remote", "connect"]
