"""Files that a statement lists: each must have been uploaded before, by the party that says it or by the caller.

The rows that say so are committed with the statement. A statement that stands in the log already is let through
unasked, so that sending it again is answered as ever, whatever became of its files since.
"""

from __future__ import annotations

from msgspec.structs import replace

from api.rights import Caller
from api.site import Site
from ledger.db.draft import Draft
from ledger.errors import Invalid


async def attached(draft: Draft, site: Site, caller: Caller) -> Draft:
    """The draft with the rows of its files; raises ``Invalid`` for one that is not there as listed."""
    statement = draft.statement
    if statement.attachments is None:
        return draft
    ledger = site.ledger
    asked = (statement.id, statement.subjects, statement.attachments, {statement.party, caller.party})
    try:
        rows = ledger.attachments.recent_rows(*asked)
        if rows is None:
            rows = await site.read(ledger.attachments.use_rows, *asked)
    except Invalid as error:
        if await site.read(ledger.reader.receipt, statement.id) is not None:
            return draft
        raise Invalid(error.message, "/statement" + error.pointer) from None
    return replace(draft, rows=(*draft.rows, *rows))
