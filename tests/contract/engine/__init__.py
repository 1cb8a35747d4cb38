"""One contract for every engine: in memory, and on DBOS over SQLite and PostgreSQL."""
