"""The steps from one schema of the database to the next, for SQLite and PostgreSQL (``ledger.db.migrate`` runs them)."""
