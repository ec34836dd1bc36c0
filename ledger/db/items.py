"""Searching for items in the read model: filters, and pages that stay stable while others write.

Items are numbered in the order of registration and a page goes on below the last number it showed, so what is
registered meanwhile comes before the first page and moves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from ledger.db.session import Session, ask, fetch
from ledger.db.views import uuid_bytes
from ledger.db.worktables import NEVER
from ledger.errors import Invalid
from ledger.words import words_asked, words_of

MAX_PAGE = 500
FEW: Final = 1000
"""So many items of a party are read for their words, or with the words for their party, before an index is walked."""
FIRST: Final = 500
"""Of more items the newest, which have a page of what is common; an index is walked if they have not."""
_THEIRS = "SELECT sid FROM item_party WHERE party = ? AND sid < ? ORDER BY sid DESC LIMIT ?"
_WITH = "SELECT t.rowid FROM item_text t WHERE {} AND t.rowid < ? ORDER BY t.rowid DESC LIMIT ?"
_CURSOR = re.compile(r"[0-9]{1,16}")
_COLUMNS = "i.subject, i.name, i.category, i.brand, i.model, i.state, i.registered_by, i.held, i.first_recorded, i.sid"
_NEWEST = "SELECT l.bytes, k.seq FROM link k JOIN leaf l ON l.idx = k.idx WHERE k.sid = ? ORDER BY k.seq DESC LIMIT 1"
_RECORDED = re.compile(rb'"recorded_at":"([^"]{24})","signatures":')
_SOURCES = {
    (False, False): ("item i", "i.sid"),
    (False, True): ("item_party p JOIN item i ON i.sid = p.sid", "p.sid"),
    (True, False): ("item_text t JOIN item i ON i.sid = t.rowid", "t.rowid"),
    (True, True): ("item_text t JOIN item i ON i.sid = t.rowid JOIN item_party p ON p.sid = i.sid", "t.rowid"),
}
"""Where a search with words, and with a party, begins: the tables, and the number that its pages go by."""
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the search for items. Times are those of its first and last entry; ``held`` says it has a holder."""

    subject: str
    name: str
    category: str
    brand: str | None
    model: str | None
    state: str
    registered_by: str
    held: bool
    first_recorded: str
    last_recorded: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; ``None`` leaves a filter out. ``party`` registered the item or said something about it.

    Of ``text``, every word must be among those of the item's name, category, brand, model and id (``ledger.words``).
    """

    text: str | None = None
    category: str | None = None
    state: str | None = None
    party: str | None = None
    held: bool | None = None
    since: str | None = None
    until: str | None = None
    seen_by: tuple[str, ...] | None = None
    """Only what one of these parties registered or said something about."""


def find(connection: Session, search: Search, cursor: str | None, limit: int) -> tuple[list[Item], str | None]:
    """A page of items, newest registration first, and the cursor of the next one."""
    if cursor is not None and _CURSOR.fullmatch(cursor) is None:
        raise Invalid("got a cursor that no answer of ours had", "/cursor")
    if search.party is not None and _UUID.fullmatch(search.party) is None:
        return [], None
    words = words_asked(search.text or "")
    if search.text is not None and not words:
        return [], None
    limit = max(1, min(limit, MAX_PAGE))
    rows = _rows(connection, search, words, cursor, limit + 1)
    newest = connection.gather(*[ask(_NEWEST, row[-1]) for row in rows[:limit]])
    found = [_item(row, *last[0]) for row, last in zip(rows[:limit], newest, strict=True)]
    return found, str(rows[limit - 1][-1]) if len(rows) > limit else None


def _rows(
    connection: Session, search: Search, words: tuple[str, ...], cursor: str | None, limit: int
) -> list[tuple[Any, ...]]:
    """The rows of a page. What is few is gone through one by one: the items with all the words, or the parties' own.

    Where both are many, the newest of each have a page, unless the parties have little of what all have.
    """
    rare = connection.rare(words) if words else None
    if rare is not None:
        return _among(connection, search, rare, cursor)[:limit]
    condition, asked_of = connection.having(words) if words else ("i.sid >= ?", (0,))
    parties = (search.party,) if search.party is not None else search.seen_by
    if words and parties is not None:
        before = int(cursor) if cursor is not None else NEVER
        each = FEW if len(parties) == 1 else FIRST
        listed = connection.gather(*[ask(_THEIRS, uuid_bytes(party), before, each + 1) for party in parties])
        theirs = sorted({sid for rows in listed for (sid,) in rows})
        are_all = len(theirs) <= FEW and all(len(rows) <= each for rows in listed)
        tried = theirs if are_all else theirs[-FIRST:]
        rows = [row for row in _among(connection, search, tried, cursor) if _has(words, *row[:5])]
        if are_all or len(rows) >= limit:
            return rows[:limit]
        newest = ask(_WITH.format(condition), *asked_of, before, FEW)
        rows = _among(connection, search, [sid for (sid,) in fetch(connection, newest)], cursor)
        if len(rows) >= limit:
            return rows[:limit]
    where, parameters = _where(search, cursor, with_words=bool(words), walk=True)
    source, order = _SOURCES[bool(words), search.party is not None]
    sql = f"SELECT {_COLUMNS} FROM {source} WHERE {condition}{where} ORDER BY {order} DESC LIMIT ?"  # noqa: S608 -- parts are ours
    return fetch(connection, ask(sql, *asked_of, *parameters, limit))


def _among(connection: Session, search: Search, numbers: list[int], cursor: str | None) -> list[tuple[Any, ...]]:
    """All rows that are looked for among the items of these numbers, which are few, the newest first."""
    if not numbers:
        return []
    where, parameters = _where(search, cursor, with_words=False, walk=False)
    source, order = _SOURCES[False, search.party is not None]
    sql = f"SELECT {_COLUMNS} FROM {source} WHERE i.sid IN {{among}}{where} ORDER BY {order} DESC"  # noqa: S608 -- parts are ours
    return fetch(connection, connection.among(sql, numbers, *parameters))


def _has(words: tuple[str, ...], subject: str, *about: str | None) -> bool:
    """Whether the text index would find an item by these words (``views.text_row``)."""
    return set(words).issubset(words_of((unquote(subject), *filter(None, about))))


def _where(search: Search, cursor: str | None, *, with_words: bool, walk: bool) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    parameters: list[Any] = []

    def need(condition: str, value: Any) -> None:
        conditions.append(condition)
        parameters.append(value)

    if search.party is not None:
        need("p.party = ?", uuid_bytes(search.party))
    if cursor is not None:
        _, order = _SOURCES[with_words, search.party is not None]
        need(f"{order} < ?", int(cursor))
    for column in ("category", "state"):
        if getattr(search, column) is not None:
            need(f"i.{column} = ?", getattr(search, column))
    if search.held is not None:
        need("i.held = ?", int(search.held))
    if search.since is not None:
        need("i.first_recorded >= ?", search.since)
    if search.until is not None:
        need("i.first_recorded < ?", search.until)
    if search.seen_by is not None:
        marks = ", ".join("?" * len(search.seen_by)) or "NULL"
        # Of all items theirs are listed once; of a few, each is looked up.
        theirs = (
            "i.sid IN (SELECT sid FROM item_party WHERE"
            if walk
            else "EXISTS (SELECT 1 FROM item_party s WHERE s.sid = i.sid AND"
        )
        conditions.append(f"{theirs} party IN ({marks}))")
        parameters.extend(uuid_bytes(party) for party in search.seen_by)
    return "".join(f" AND {condition}" for condition in conditions), parameters


def _item(row: tuple[Any, ...], newest: bytes, seq: int) -> Item:
    subject, name, category, brand, model, state, registered_by, held, first, _ = row
    recorded = _RECORDED.search(newest)
    if recorded is None:
        raise AssertionError("an entry without recorded_at")
    return Item(
        subject=subject,
        name=name,
        category=category,
        brand=brand,
        model=model,
        state=state,
        registered_by=registered_by,
        held=bool(held),
        first_recorded=first,
        last_recorded=recorded[1].decode(),
        count=seq + 1,
    )
