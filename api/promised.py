"""What was promised for an item and its cases, for its page: from the history that the page has verified.

Whatever is told here reads the log, and so belongs in a thread.
"""

from __future__ import annotations

from api.following import entitled, promises_of
from api.pages.catalogue import Catalogue
from api.pages.promised import Promised, RightShown, promised, rights_shown
from api.site import Site
from ledger.history import VerifiedHistory


def promised_of(site: Site, verified: VerifiedHistory, words: Catalogue) -> Promised:
    """What the page of a verified item or case says of promises now."""
    promises, now = promises_of(site.ledger), site.clock()
    told = [(entry, leaf_hash.hex()) for entry, leaf_hash in zip(verified.entries, verified.leaf_hashes, strict=True)]
    of_item = verified.entries[0].statement.type == "item.registered"
    found = entitled(site.ledger, verified.subject, verified.entries, promises, now) if of_item else None
    parties = verified.replay.parties.parties

    def name_of(party: str) -> str:
        return parties[party].name if party in parties else words.text["who_unknown"]

    return promised(told, found, promises, now, words, name_of=name_of)


def rights_of(site: Site, verified: VerifiedHistory, words: Catalogue) -> tuple[RightShown, ...]:
    """The rights of a verified item in words, as its page has them."""
    promises, now = promises_of(site.ledger), site.clock()
    return rights_shown(entitled(site.ledger, verified.subject, verified.entries, promises, now), promises, now, words)


def warranty_of(site: Site, verified: VerifiedHistory, words: Catalogue) -> str:
    """Until when a verified item is repaired free of charge, in words; "" if it is not."""
    return next((one.until for one in rights_of(site, verified, words) if one.right == "free_repair"), "")
