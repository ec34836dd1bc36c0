"""Which entries list which file: written in the order of the log, and put into an index by digest later, many at once.

A row of ``attachment_use`` is committed with its statement. An index on digests would change a page in the middle of a
tree for each, more than all else that listing a file costs; so a new row is not in it (``indexed`` is 0) until
``index_some`` takes many, in order: what is not in the index is younger than all that is. Whoever asks by digest looks
in the index and through the rows that are younger, and whoever knows the entries needs neither.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, exists, func, literal_column, or_, select, tuple_, update

from ledger import submap
from ledger.db.tables import attachment, attachment_use, leaf, link, statement, subject
from ledger.db.views import uuid_bytes

SLICE = 1024
"""Rows that are brought into the index in one transaction, which takes some milliseconds."""
_use = attachment_use.c
# Spelt out, or a planner does not see that the index holds these rows; and not where the newest of them is wanted.
_INDEXED = _use.indexed == literal_column("1")
_newest = select(_use.idx).where(_use.indexed == 1).order_by(_use.idx.desc()).limit(1).scalar_subquery()
_YOUNG = _use.idx > func.coalesce(_newest, -1)


def uses(
    connection: Connection,
    digest: str,
    *where: ColumnElement[bool],
    subject: str | None = None,
    most: int | None = None,
) -> list[tuple[int, str]]:
    """The uses of a file (64 hex) that meet ``where``: index of the entry and party, oldest first, ``most`` at most.

    Only of entries about ``subject``, if one is given.
    """
    mine = select(_use.idx, _use.party).where(_use.sha256 == bytes.fromhex(digest), *where)
    mine = mine.order_by(_use.idx).limit(most)
    if subject is not None:
        return [(idx, party) for idx, party in connection.execute(mine.where(_about(subject)))]
    # Young ones first: what comes into the index in between is seen twice, and nothing is missed.
    young, indexed = (connection.execute(mine.where(place)).all() for place in (_YOUNG, _INDEXED))
    return [(idx, party) for idx, party in dict.fromkeys([*indexed, *young])][:most]


def entries(connection: Connection, indices: Sequence[int]) -> dict[int, bytes]:
    """The entries of these indices."""
    found: dict[int, bytes] = {}
    for first in range(0, len(indices), SLICE):
        some = select(leaf).where(leaf.c.idx.in_(indices[first : first + SLICE])).order_by(leaf.c.idx)
        found |= {row.idx: bytes(row.bytes) for row in connection.execute(some)}
    return found


def is_listed() -> ColumnElement[bool]:
    """The condition that some entry lists a copy, in a query for rows of ``attachment``."""
    mine = _use.sha256 == attachment.c.sha256, _use.party == attachment.c.party
    young = select(_use.party, _use.sha256).where(_YOUNG)
    return or_(exists().where(*mine, _INDEXED), tuple_(attachment.c.party, attachment.c.sha256).in_(young))


def said_by(statements: Collection[str]) -> ColumnElement[bool]:
    """The condition that a use is of the entry of one of these statements."""
    return _use.idx.in_(select(statement.c.idx).where(statement.c.id.in_([uuid_bytes(one) for one in statements])))


def index_some(connection: Connection) -> bool:
    """Bring the oldest rows that are not in the index into it, a slice of them; return whether there are more."""
    oldest = select(_use.idx).where(_YOUNG).order_by(_use.idx).limit(SLICE)
    found = connection.execute(oldest).scalars().all()
    if found:
        those = _use.idx >= found[0], _use.idx <= found[-1], _use.indexed == 0
        connection.execute(update(attachment_use).where(*those).values(indexed=1))
    return len(found) == SLICE


def _about(name: str) -> ColumnElement[bool]:
    of = link.join(subject, subject.c.sid == link.c.sid)
    return _use.idx.in_(select(link.c.idx).select_from(of).where(subject.c.key == submap.key_of(name)))
