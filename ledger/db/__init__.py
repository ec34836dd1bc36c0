"""Where a ledger is kept: SQLite by default, PostgreSQL by one setting; the only package that knows SQL.

``ledger.create_ledger`` and ``ledger.open_ledger`` are the way in; what they give has a ``Writer`` (the only writer of
leaves), a ``Reader`` (one snapshot an answer) and ``Access`` (API keys, parties' keys in custody, view codes).
"""
