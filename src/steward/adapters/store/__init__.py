"""The database: SQLite or PostgreSQL behind `ports.Store`.

`open_store` is the way in. What a table holds is in `schema`; how it is read and written, in the
`*_views` by noun.
"""

from steward.adapters.store.opening import open_store

__all__ = ["open_store"]
