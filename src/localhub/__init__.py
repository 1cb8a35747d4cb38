"""localhub: a GitHub organisation on your own machine, with real git repositories.

It serves a faithful subset of GitHub's REST interface, git over HTTP and webhooks, for demonstrations, for work
without a network, and for tests. It knows nothing of Steward: the two speak over HTTP alone.
"""
