"""Reading what follows the log: whoever asks lets it follow first, so that nobody misses what was said a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from api import fold
from api.site import Site
from ledger.db.follower import Follower
from ledger.entitlement import Entitlement, entitlement, replaced_by
from ledger.errors import Unavailable
from ledger.leaf import Entry
from ledger.promises import Promises


async def followed(site: Site) -> Follower:
    """The work lists, brought up to the newest entry; raises ``Unavailable`` where they are far behind."""
    if not await _catch_up(site):
        raise Unavailable("the work lists are being made from the log; ask again, or run patina rebuild")
    return site.ledger.follower


async def promises_now(site: Site) -> Promises:
    """What binds each party at the newest entry, or as far as lists that are far behind have followed."""
    await _catch_up(site)
    return await site.read(site.ledger.follower.promises)


async def _catch_up(site: Site) -> bool:
    # Not on the loop: after a calendar was adopted, there may be thousands of cases to work out.
    return not await site.read(site.ledger.follower.behind) or await asyncio.to_thread(site.ledger.follower.catch_up)


async def entitlement_of(site: Site, item: str, entries: Sequence[Entry]) -> Entitlement:
    """The rights of an item in force, from these entries about it and those of the item that it was given for."""
    other = replaced_by(item, entries)
    raws = [] if other is None else await site.read(site.ledger.reader.entries, other)
    replaced = [one.entry for one in fold.parse_entries(raws)]
    return entitlement(item, entries, await promises_now(site), site.clock(), replaced)
