"""What was promised for an item and its cases, for its page: from the history that the page has verified."""

from __future__ import annotations

from api.pages.catalogue import Catalogue
from api.pages.promised import Promised, promised
from api.site import Site
from ledger.entitlement import entitlement, replaced_by
from ledger.history import VerifiedHistory
from ledger.leaf import Entry, parse_leaf


def promised_of(site: Site, verified: VerifiedHistory, words: Catalogue) -> Promised:
    """What the page of a verified item or case says of promises now; reads the log, and so belongs in a thread."""
    ledger, now = site.ledger, site.clock()
    ledger.follower.catch_up()
    promises = ledger.follower.promises()
    told = [(entry, leaf_hash.hex()) for entry, leaf_hash in zip(verified.entries, verified.leaf_hashes, strict=True)]
    found = None
    if verified.entries[0].statement.type == "item.registered":
        other = replaced_by(verified.subject, verified.entries)
        replaced = [_entry(raw) for _, raw in ledger.reader.entries(other)] if other is not None else []
        found = entitlement(verified.subject, verified.entries, promises, now, replaced)
    parties = verified.replay.parties.parties

    def name_of(party: str) -> str:
        return parties[party].name if party in parties else words.text["who_unknown"]

    return promised(told, found, promises, now, words, name_of=name_of)


def _entry(raw: bytes) -> Entry:
    entry = parse_leaf(raw)
    assert isinstance(entry, Entry), "a seal has no subject"
    return entry
