"""Work lists answered by their indexes alone."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

_LISTS = {
    "caseload_open": ["party", "closed", "opened", "kind"],
    "caseload_due": ["party", "due_at", "opened", "warn_at", "assigned", "kind"],
    "caseload_waits": ["party", "waits_since", "opened", "waits_for", "assigned"],
    "caseload_held": ["party", "held_since", "opened", "assigned"],
    "caseload_assigned": ["party", "assigned", "opened", "closed"],
}


def upgrade() -> None:
    for name, columns in _LISTS.items():
        op.drop_index(name, "caseload")
        op.create_index(name, "caseload", columns)
