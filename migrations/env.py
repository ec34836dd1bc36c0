"""Alembic's entry: runs the versions on the connection that ``ledger.db.migrate`` hands over, which hears of each."""

from alembic import context

given = context.config.attributes
advance = given.get("advance", lambda: None)
context.configure(
    connection=given["connection"],
    target_metadata=given.get("metadata"),
    on_version_apply=lambda **_: advance(),
)
with context.begin_transaction():
    context.run_migrations()
