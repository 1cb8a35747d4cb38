"""The durable engine on DBOS Transact: attempts survive the death of whatever process ran them.

`open_engine` is the only way in. DBOS is one per process: so is an engine that works. What DBOS keeps lies in
a file of its own beside the data (SQLite), or in a schema of its own in the same database (PostgreSQL).
"""

from steward.adapters.engine.engine import DurableEngine, open_engine

__all__ = ["DurableEngine", "open_engine"]
