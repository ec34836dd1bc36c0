"""Files that a statement lists, in clear or in private: each must have been uploaded before, by who says it or asks.

The rows that say so are committed with the statement. A statement that stands in the log already is let through
unasked, so that sending it again is answered as ever, whatever became of its files since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from api.site import Site
from ledger.db.draft import Draft, Row
from ledger.errors import Invalid
from ledger.leaf import Attachment


async def attached(draft: Draft, site: Site, party: str) -> Draft:
    """The draft, sent by ``party``, with the rows of its files; raises ``Invalid`` for one that is not there."""
    statement, private = draft.statement, (draft.values or {}).get("attachments")
    if statement.attachments is None and private is None:
        return draft
    parties, rows = {statement.party, party}, draft.rows
    try:
        if statement.attachments:
            rows += await _rows(site, parties, statement.attachments, "/statement")
        if private is not None:
            rows += await _rows(site, parties, _files(private), "/private")
    except Invalid:
        if await site.read(site.ledger.reader.receipt, statement.id) is not None:
            return draft
        raise
    return replace(draft, rows=rows)


async def _rows(site: Site, parties: set[str], files: Sequence[Attachment], where: str) -> tuple[Row, ...]:
    """The rows of files that are listed ``where``: in the statement they are public."""
    attachments, public = site.ledger.attachments, where == "/statement"
    try:
        rows = attachments.recent_rows(files, parties, public=public)
        return await site.read(attachments.use_rows, files, parties, public=public) if rows is None else rows
    except Invalid as error:
        raise Invalid(error.message, where + error.pointer) from None


def _files(values: Any) -> list[Attachment]:
    # Their form was checked with that of every private member.
    return [Attachment(**value) for value in values]
