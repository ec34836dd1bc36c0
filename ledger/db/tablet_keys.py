"""Which of a party's keys is that of which shared tablet (``ledger.db.visits``): the key itself is in the log.

The private half was made on the tablet and is there alone. A row is committed with the ``key.added`` that names the
key, and never changed: a key is added once in the life of a ledger, so what was found of one in the log may be
remembered for ever.
"""

from __future__ import annotations

from sqlalchemy import Text, select

from ledger.db.draft import Row
from ledger.db.rows import Rows
from ledger.db.tables import _column, _key, _table, device, metadata
from ledger.db.view import View

__all__ = ["TabletKeys", "metadata", "tablet_key"]

tablet_key = _table("tablet_key", _key("did", Text()), _column("device", Text(), index=True), rowid=False)


class TabletKeys:
    """The keys of tablets, by their did:key."""

    def __init__(self, rows: Rows, view: View) -> None:
        self._rows, self._view = rows, view
        self.seen: dict[str, str | None] = {}
        """What ``tablet_of`` found of the keys in the log."""
        self._drafted: set[str] = set()

    def row(self, did: str, device_id: str) -> Row:
        """The row to commit with the statement that adds a tablet's key."""
        self._drafted.add(did)
        return Row(tablet_key.name, {"did": did, "device": device_id})

    def tablet_of(self, did: str) -> str | None:
        """The id of the tablet whose key this is, in force or not; ``None`` for every other key."""
        in_log = did in self._view.parties.keys
        rows = self._rows.read(select(tablet_key.c.device).where(tablet_key.c.did == did))
        found = rows[0].device if rows else None
        if in_log:
            self.seen[did] = found
        return found

    def is_tablets(self, did: str) -> bool:
        """Whether a key is a tablet's now, or about to be: its row may be of the very commit that is being made."""
        return did in self._drafted or self.tablet_of(did) is not None

    def of(self, device_id: str) -> list[str]:
        """The keys that a tablet ever had."""
        query = select(tablet_key.c.did).where(tablet_key.c.device == device_id).order_by(tablet_key.c.did)
        return [row.did for row in self._rows.read(query)]

    def of_revoked(self) -> list[tuple[str, str]]:
        """The keys that tablets had which are revoked, each with the party that it is of."""
        query = select(tablet_key.c.did, device.c.party).join(device, device.c.id == tablet_key.c.device)
        gone = query.where(device.c.revoked_at.is_not(None)).order_by(tablet_key.c.did)
        return [(row.did, row.party) for row in self._rows.read(gone)]

    def may_have(self, device_id: str, before: str | None) -> bool:
        """Whether a tablet is still enrolled and has no key but ``before``, or none, in force in the log.

        Asked when its next key is appended: else another process has paired or revoked it meanwhile.
        """
        enrolled = select(device.c.party).where(device.c.id == device_id, device.c.revoked_at.is_(None))
        rows, parties = self._rows.read(enrolled), self._view.parties
        return bool(rows) and {did for did in self.of(device_id) if parties.in_force(did, rows[0].party)} <= {before}

    def labels(self, party: str | None) -> dict[str, str]:
        """What the tablets are called whose keys these are, of one party if named."""
        query = select(tablet_key.c.did, device.c.label).join(device, device.c.id == tablet_key.c.device)
        mine = query if party is None else query.where(device.c.party == party)
        return {row.did: row.label for row in self._rows.read(mine)}
