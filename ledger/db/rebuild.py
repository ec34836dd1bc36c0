"""Making every read model again from the log: what searches and work lists read, and nothing that a proof rests on.

One write transaction, so that readers see the old rows until the new ones are whole, and a rebuild that was cut short
has changed nothing. Rows are those that would stand if nothing had ever gone wrong (a test).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.db import views
from ledger.db.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many items, and rows of work lists, there are."""

    items: int
    rows: int


def rebuild(ledger: Ledger, advance: Callable[[int], object] = lambda _: None) -> Rebuilt:
    """Make all read models again; ``advance`` is told of leaves and then of entries that were read."""
    with ledger.writing() as connection:
        items = views.rebuild(connection, advance)
        rows = ledger.follower.rebuild(connection, advance)
        connection.commit()
    return Rebuilt(items, rows)
