"""The read models for searching: rows that follow from subjects' states and could be thrown away.

``item_row``, ``text_row``, ``party_rows`` and ``case_rows`` are pure, and both the appender and ``rebuild`` use them,
so that a rebuild gives the same rows (a test holds them to it). Work lists are ``ledger.db.follower``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from ledger import submap
from ledger.db.session import Insert, Row, Session, ask, fetch
from ledger.db.subjects import SUBJECTS, state_in
from ledger.db.tables import case_subject, item, item_party
from ledger.db.worktables import item_text
from ledger.state import State
from ledger.words import text_of

_SLICE = 5_000
_FIRST_LEAVES = "SELECT idx, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"


class _Link(Struct):
    subject: str
    seq: int


class _Links(Struct):
    links: list[_Link] = []


_links = msgspec.json.Decoder(_Links).decode


def uuid_bytes(urn: str) -> bytes:
    """The 16 bytes of a ``urn:uuid:``."""
    return bytes.fromhex(urn[9:].replace("-", ""))


def urn_of(raw: bytes) -> str:
    """The ``urn:uuid:`` of 16 bytes; ``uuid_bytes`` undoes it."""
    digits = bytes(raw).hex()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def word_of(state: State) -> str:
    """The one word that matters most of an item's state: stolen, lost, retired, recalled or in_use."""
    if state.stolen:
        return "stolen"
    if state.lost:
        return "lost"
    if state.retired is not None:
        return "retired"
    return "recalled" if state.recalled else "in_use"


def item_row(sid: int, subject: str, state: State) -> Row:
    """The row of ``item`` for an item in this state, in the table's order."""
    holding = state.held.holding
    return (
        sid,
        subject,
        state.name,
        state.category,
        state.brand or None,
        state.model or None,
        word_of(state),
        state.registered_by,
        int(holding is not None and not holding.released),
        state.first_at,
    )


def text_row(sid: int, subject: str, state: State) -> Row:
    """The row of ``item_text``: the words of what an item was registered as, which never change."""
    return sid, text_of((unquote(subject), state.name, state.category, state.brand, state.model))


def party_rows(sid: int, state: State) -> set[Row]:
    """The rows of ``item_party``: the parties that registered this item or said something about it."""
    return {(uuid_bytes(party), sid) for party in state.signers}


def case_rows(sid: int, cases: Iterable[str]) -> list[Row]:
    """The rows of ``case_subject`` for cases of this subject."""
    return [(uuid_bytes(case), sid) for case in cases]


def rebuild(connection: Session, advance: Callable[[int], object] = lambda _: None) -> int:
    """Make the read models again from subjects' states, in the open write transaction; return the number of items.

    ``advance`` is told how many leaves more have been looked at.
    """
    emptied = [(f'DELETE FROM "{table.name}"', ()) for table in (item, item_party, case_subject)]  # noqa: S608
    connection.write((), *emptied, connection.empty_texts())
    size = fetch(connection, ask("SELECT size FROM head"))[0][0]
    count = 0
    for start in range(0, size, _SLICE):
        end = min(start + _SLICE, size)
        rows, texts, parties, cases = [], [], set(), []
        for sid, subject, state in _new_subjects(connection, start, end):
            cases += case_rows(sid, state.cases)
            if state.kind == "item":
                rows.append(item_row(sid, subject, state))
                texts.append(text_row(sid, subject, state))
                parties |= party_rows(sid, state)
        inserts = [Insert(item, rows), Insert(item_text, texts), Insert(item_party, sorted(parties))]
        connection.write([*inserts, Insert(case_subject, sorted(cases))])
        count += len(rows)
        advance(end - start)
    return count


def _new_subjects(connection: Session, start: int, end: int) -> Iterator[tuple[int, str, State]]:
    """Items and cases whose first entry stands from leaf ``start`` up to ``end``."""
    subjects: dict[bytes, str] = {}
    for _, raw in fetch(connection, ask(_FIRST_LEAVES, start, end)):
        subjects |= {submap.key_of(link.subject): link.subject for link in _links(raw).links if not link.seq}
    if not subjects:
        return
    for row in sorted(fetch(connection, connection.among(SUBJECTS, list(subjects))), key=lambda row: row[1]):
        state = state_in(row)
        if state.kind in {"item", "case"}:
            yield row[1], subjects[row[0]], state
