"""Making the hashes again by which statements are found for what is private in them: the last step of a restore.

Whoever has a hash and the key of its chain can try telephone numbers out, as there are few of them. So a backup holds
no hashes of private values, as it holds no keys: those of somebody who was erased since would stay in it. A restored
ledger makes them from the private members that it can still open, which leaves out whatever was erased.
"""

from __future__ import annotations

from ledger.db import tables
from ledger.db.draft import Row
from ledger.db.find import find_rows
from ledger.db.ledger import Ledger
from ledger.db.session import Insert, ask, fetch
from ledger.disclosure import parse_disclosure
from ledger.leaf import Entry, parse_leaf

_LEAVES = "SELECT bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_DIGESTS = b'"_sd":'
_SLICE = 1000


def find_again(ledger: Ledger) -> None:
    """Make every row of ``find_private`` again, a slice of the log at a time; whoever is cut short begins anew."""
    with ledger.writing() as connection:
        connection.write((), ("DELETE FROM find_private", ()))
        connection.commit()
    size = ledger.reader.size()
    for start in range(0, size, _SLICE):
        rows = _rows(ledger, start, min(size, start + _SLICE))
        with ledger.writing() as connection:
            connection.write([_insert(name, rows) for name in ("find_private", "find_chain")])
            connection.commit()


def _rows(ledger: Ledger, start: int, stop: int) -> list[Row]:
    with ledger.reading() as connection:
        raws = [bytes(raw) for (raw,) in fetch(connection, ask(_LEAVES, start, stop))]
    leaves = [parse_leaf(raw) for raw in raws if _DIGESTS in raw]
    told = [leaf.statement for leaf in leaves if isinstance(leaf, Entry)]
    rows: list[Row] = []
    for subject in dict.fromkeys(statement.subjects[0] for statement in told):
        kept = ledger.vault.disclosures(subject)
        for statement in told:
            if statement.subjects[0] == subject and statement.id in kept:
                values = {one.name: one.value for one in map(parse_disclosure, kept[statement.id])}
                rows += find_rows(statement, values, ledger.finder.key(statement.party))
    return rows


def _insert(name: str, rows: list[Row]) -> Insert:
    table = tables.metadata.tables[name]
    found = {tuple(row.values[column.name] for column in table.columns) for row in rows if row.table == name}
    return Insert(table, sorted(found), "ignore")
