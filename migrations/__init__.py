"""The steps from one schema of the database to the next, on SQLite and PostgreSQL; ``ledger.db.migrate`` runs them."""
