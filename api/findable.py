"""What a statement will be found by: rows of keyed hashes, committed with it (``ledger.db.find``).

Of the values that stand in it, and of its private ones, whose hashes are erased with them.
"""

from __future__ import annotations

from itertools import chain

from msgspec.structs import replace

from api.site import Site
from ledger.db.draft import Draft
from ledger.db.find import find_rows
from ledger.db.needles import private_values, public_values


async def findable(draft: Draft, site: Site) -> Draft:
    """The draft with the rows that it will be found by; most have none, and cost nothing."""
    values = draft.values or {}
    if next(chain(public_values(draft.statement), private_values(values)), None) is None:
        return draft
    key = await site.read(site.ledger.finder.key, draft.statement.party)
    return replace(draft, rows=(*draft.rows, *find_rows(draft.statement, values, key)))
