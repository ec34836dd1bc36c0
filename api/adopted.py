"""The service standard that a party works by, as the ledger has it now: its own, a parent's, or the operator's."""

from __future__ import annotations

from api import fold
from ledger import standard
from ledger.db.ledger import Ledger
from ledger.standard import Standard


def standard_of(ledger: Ledger, party: str) -> Standard | None:
    """The standard in force for a party after the newest entry (``ledger.standard.in_force``)."""
    parties = ledger.view.parties.parties
    chain = standard.chain_of(party, {one: found.parent for one, found in parties.items()}, ledger.operator)
    adopted = {one: [told.entry for told in fold.parse_entries(ledger.reader.entries(one))] for one in chain}
    return standard.in_force(adopted, chain, ledger.reader.size())
