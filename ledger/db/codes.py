"""Codes: what opens an item's page or a case, and the owner codes drawn beside them (events.md §3, ADR 0010).

A view code is kept as the hash of its token. What it opens is never stored and never written on a transfer: it is
read from the state of the ledger, in the snapshot that the code is read in. A code bears the *mark* of the holding
that it was made in, and opens the item while that holding lasts. So there is no moment at which an item has a new
holder and an old code still opens it.

A code drawn with an owner code (a *card*) bears no mark. The public keys of its owner code are kept, one for each item
that it was drawn for, and it becomes a code of the item whose holding began with one of them: the ledger accepts a key
once, so a card is bound once, in the same commit as the sale that names its key. Until then it opens nothing.

Every code has a short code to type, which follows from its token (``ledger.shortcode``). It opens what anybody may see,
and a party finds a thing by it. It has only 55 random bits, so a keyed hash of it is kept. When what is known of whom a
holding or a case is about is erased, the short codes that rest on it are forgotten with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine

from ledger import didkey, holderkey, shortcode, submap, times
from ledger.db import tables
from ledger.db.connect import session
from ledger.db.draft import Row
from ledger.db.gate import Gate
from ledger.db.session import Insert, Session, ask, fetch
from ledger.db.subjects import SUBJECT, state_in
from ledger.disclosure import format_base64url
from ledger.errors import Refused
from ledger.holding import Holding
from ledger.leaf import Entry, parse_leaf
from ledger.merkle import leaf_hash
from ledger.state import State

VIEW, CASE, PUBLIC, UNBOUND = "view", "case", "public", "unbound"
"""Levels: the item's history, one case, what anybody may see, and nothing yet."""
GIFT = "gift"
LEVELS = {"view": VIEW, GIFT: VIEW, "card": VIEW, "tag": VIEW, "case": CASE}
"""What a code of each kind opens while its holding lasts (api.md, Levels); a gift code never opens a private member."""
RELEASED = "/released"
_SHORT = "short_code"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_COLUMNS = "id, subject, kind, mark, of_case, party, created_at, revoked_at, short IS NOT NULL"
_BY_HASH = f"SELECT {_COLUMNS} FROM code WHERE hash = ? AND revoked_at IS NULL"  # noqa: S608 -- names of ours
_BY_SHORT = f"SELECT {_COLUMNS} FROM code WHERE short = ? AND revoked_at IS NULL LIMIT 2"  # noqa: S608
_BY_SUBJECT = (
    f"SELECT {_COLUMNS} FROM code WHERE subject = ? OR id IN (SELECT o.code FROM owner_key o "  # noqa: S608
    "JOIN holder_key h ON h.key = o.key WHERE o.subject = ?) ORDER BY created_at, id"
)
_WAITING = (
    f"SELECT {_COLUMNS} FROM code c WHERE party = ? AND mark IS NULL AND revoked_at IS NULL AND NOT EXISTS "  # noqa: S608
    "(SELECT 1 FROM owner_key o JOIN holder_key h ON h.key = o.key WHERE o.code = c.id) ORDER BY created_at, id"
)
# The first entry that named one of the card's keys decides which item it belongs to.
_BOUND = (
    "SELECT o.subject, h.idx FROM owner_key o JOIN holder_key h ON h.key = o.key WHERE o.code = ? "
    "ORDER BY h.idx LIMIT 1"
)
_KEYS = "SELECT key FROM owner_key WHERE code = ? AND subject = ?"
_ALL_KEYS = "SELECT subject, key FROM owner_key WHERE code = ? ORDER BY subject"
_LAID_IN = (
    "SELECT c.id, c.hash, o.subject, o.key, o.custody FROM code c JOIN owner_key o ON o.code = c.id WHERE c.party = ? "
    "AND c.mark IS NULL AND c.revoked_at IS NULL AND NOT EXISTS "
    "(SELECT 1 FROM owner_key n JOIN holder_key h ON h.key = n.key WHERE n.code = c.id) ORDER BY c.id, o.subject"
)
_DRAWN = "SELECT o.subject, o.custody, c.revoked_at FROM owner_key o JOIN code c ON c.id = o.code WHERE o.key = ?"
_LEAF = "SELECT l.bytes, l.idx FROM statement s JOIN leaf l ON l.idx = s.idx WHERE s.id = ?"
_FORGET_MARKED = "UPDATE code SET short = NULL WHERE subject = ? AND (mark = ? OR mark = ? OR of_case = ?)"
_FORGET_DRAWN = (
    "UPDATE code SET short = NULL WHERE id IN (SELECT o.code FROM owner_key o JOIN holder_key h ON h.key = o.key "
    "WHERE h.idx = ?)"
)
_REVOKE = "UPDATE code SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"


@dataclass(frozen=True, slots=True)
class Code:
    """A code without its token: its item (``subject``), its ``kind`` and the ``level`` that it had when it was read.

    ``keys`` are the did:keys drawn with it for this item; ``case`` is the one that it opens; ``subject`` is "" while it
    may still become a code of one of several items; ``short`` says whether its short code leads to it.
    """

    id: str
    subject: str
    kind: str
    level: str
    created_at: str
    revoked_at: str | None
    case: str | None = None
    party: str | None = None
    mark: str | None = None
    keys: frozenset[str] = frozenset()
    short: bool = False

    def level_at(self, state: State | None, recorded_at: str) -> str:
        """What it opens when its item is in this state; a level that has fallen never rises again."""
        holding = None if state is None else state.held.at(recorded_at).holding
        if self.mark is None:
            named = holding is not None and not holding.released and self._is_of(holding)
            return LEVELS.get(self.kind, PUBLIC) if named else PUBLIC
        if self.kind == CASE:  # whoever gave the item back goes on speaking in its cases
            same = self.mark.removesuffix(RELEASED) == mark_of(holding).removesuffix(RELEASED)
        else:
            same = self.mark == mark_of(holding)
        return LEVELS.get(self.kind, PUBLIC) if same else PUBLIC

    def _is_of(self, holding: Holding) -> bool:
        return any(grant.key in self.keys for grant in holding.grants)


@dataclass(frozen=True, slots=True)
class Card:
    """An owner code and the view code drawn with it; of the secret only ``keys``, by item, are kept."""

    id: str
    secret: bytes = field(repr=False)
    keys: dict[str, str]

    @property
    def token(self) -> str:
        """The view code's token."""
        return holderkey.view_token(self.secret)

    @property
    def short(self) -> str:
        """The view code's short code."""
        return shortcode.short_of(self.token)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is known of a key that was drawn here: the item and the custody it was drawn for."""

    subject: str
    custody: str
    revoked: bool


@dataclass(frozen=True, slots=True)
class LaidIn:
    """What a till knows of a card in advance: the SHA-256 of its view code in hex, its custody, its keys by item."""

    token_sha256: str
    custody: str
    keys: dict[str, str]


def mark_of(holding: Holding | None) -> str:
    """What a code made now is marked with: "" for none, else the root of the holding and whether it is released."""
    if holding is None:
        return ""
    return holding.root + (RELEASED if holding.released else "")


class Codes:
    """The codes of one ledger; ``keyed(what, text)`` gives keyed hashes and ``rand(n)`` n random bytes."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        keyed: Callable[[str, str], bytes],
        *,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        self._keyed = keyed
        self._engine, self._clock, self._rand = engine, clock, rand
        self._gate = gate

    def create(self, subject: str, kind: str, *, case: str | None = None, party: str | None = None) -> str:
        """Create a code for a subject as it stands and return its token, 22 base64url characters, shown only now.

        Raises ``Refused`` for a case that was not opened on the subject.
        """
        with session(self._engine) as connection:
            connection.begin(write=False)
            state = state_of(connection, subject)
        if case is not None and (state is None or case not in state.cases):
            raise Refused("this case was not opened on this subject", "/case", ("case.opened",))
        holding = None if state is None else state.held.at(self._now()).holding
        token, row = self.draft(subject, kind, mark_of(holding), case=case, party=party)
        self._write([Insert(tables.code, [row_of(row)])])
        return token

    def keep(self, token: str, subject: str, mark: str, *, case: str, party: str) -> None:
        """Keep a code of a case whose token the caller made of 16 bytes; one that is or was there stays as it is."""
        row = self._row(token, subject, CASE, mark=mark, of_case=case, party=party)
        self._write([Insert(tables.code, [row_of(row)], "ignore")])

    def draft(
        self, subject: str, kind: str, mark: str = "", *,
        case: str | None = None, party: str | None = None, token: str | None = None,
    ) -> tuple[str, Row]:  # fmt: skip
        """A token and the row to commit together with something else, for a code that exists only if that does.

        Without a ``token`` that follows from another secret, a new one is drawn.
        """
        token = token or format_base64url(self._rand(16))
        return token, self._row(token, subject, kind, mark=mark, of_case=case, party=party)

    def draft_with_key(self, subject: str, did: str, custody: str) -> tuple[str, tuple[Row, ...]]:
        """A token and the rows of a view code that opens the item while the holding that this key begins lasts."""
        token = format_base64url(self._rand(16))
        row = self._row(token, subject, "view", mark=None)
        key = {"key": didkey.parse_did(did), "code": row.values["id"], "subject": subject, "custody": custody}
        return token, (row, Row("owner_key", key))

    def draw(self, groups: Iterable[Sequence[str]], *, kind: str, custody: str, party: str | None) -> list[Card]:
        """Draw a card for each group of items: whichever of a group is sold with it first becomes its item.

        What is kept are hashes and public keys, so that only this answer has the secrets.
        """
        cards, codes, keys = [], [], []
        for subjects in groups:
            secret = self._rand(holderkey.SECRET_BYTES)
            card = Card("", secret, {subject: holderkey.holder_key(secret, subject).did for subject in subjects})
            row = self._row(card.token, subjects[0] if len(subjects) == 1 else "", kind, party=party)
            card = replace(card, id=str(row.values["id"]))
            cards.append(card)
            codes.append(row_of(row))
            keys += [(didkey.parse_did(did), card.id, subject, custody) for subject, did in card.keys.items()]
        self._write([Insert(tables.code, codes), Insert(tables.owner_key, sorted(keys))])
        return cards

    def find(self, token: str) -> Code | None:
        """The code of this token with its level now, unless unknown, malformed or revoked, which look the same."""
        digest = hash_of(token)
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_BY_HASH, digest)])[0]
            return self._code(connection, rows[0]) if rows else None

    def by_short(self, text: str) -> Code | None:
        """The code of a short code as it was typed, unless unknown, malformed or revoked, which look the same.

        If two codes should have the same short code, it leads to neither.
        """
        digest = self._keyed(_SHORT, shortcode.parse_short(text) or "")
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_BY_SHORT, digest)])[0]
            return self._code(connection, rows[0]) if len(rows) == 1 else None

    def of(self, subject: str) -> list[Code]:
        """The codes of a subject, oldest first, without their tokens; those of cards once they are bound to it."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_BY_SUBJECT, subject, subject)])[0]
            found = [self._code(connection, row) for row in rows]
        return [code for code in found if code.subject == subject]

    def waiting(self, party: str) -> list[Code]:
        """The cards that a party drew and that are neither bound nor revoked, oldest first."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_WAITING, party)])[0]
            return [self._code(connection, row) for row in rows]

    def laid_in(self, party: str) -> dict[str, LaidIn]:
        """What a till needs to know of the same cards to sell with them without a network, by the code's id."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_LAID_IN, party)])[0]
        found: dict[str, LaidIn] = {}
        for code_id, digest, subject, key, custody in rows:
            card = found.setdefault(code_id, LaidIn(bytes(digest).hex(), custody, {}))
            card.keys[subject] = didkey.format_did(bytes(key))
        return found

    def keys_of(self, code_id: str) -> dict[str, str]:
        """The did:keys drawn with a code, by the item that each is of."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_ALL_KEYS, code_id)])[0]
        return {subject: didkey.format_did(bytes(key)) for subject, key in rows}

    def revoke(self, code_id: str) -> bool:
        """Revoke a code by its id; return whether it was in force."""
        return self._write([], (_REVOKE, (self._now(), code_id))) == [1]

    def drawn(self, did: str) -> Drawn | None:
        """What is known of a holder key, if it was drawn here."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_DRAWN, didkey.parse_did(did))])[0]
        return Drawn(rows[0][0], rows[0][1], rows[0][2] is not None) if rows else None

    def _code(self, connection: Session, row: Sequence[Any]) -> Code:
        code_id, subject, kind, mark, case, party, created_at, revoked_at, short = row
        keys: frozenset[str] = frozenset()
        unbound = False
        if mark is None:
            bound = fetch(connection, ask(_BOUND, code_id))
            unbound = not bound
            subject = bound[0][0] if bound else subject
            found = fetch(connection, ask(_KEYS, code_id, subject))
            keys = frozenset(didkey.format_did(bytes(key)) for (key,) in found)
        code = Code(code_id, subject, kind, UNBOUND, created_at, revoked_at, case, party, mark, keys, bool(short))
        return code if unbound else replace(code, level=code.level_at(state_of(connection, subject), self._now()))

    def _row(self, token: str, subject: str, kind: str, **more: str | None) -> Row:
        values = {"id": self._rand(8).hex(), "hash": hash_of(token), "subject": subject, "kind": kind, **more}
        values["short"] = self._keyed(_SHORT, shortcode.short_of(token))
        return Row("code", values | {"level": LEVELS.get(kind, PUBLIC), "created_at": self._now()})

    def _write(self, inserts: Sequence[Insert], *last: Any) -> list[int]:
        with self._gate.own() as connection:
            connection.begin(write=True)
            changed = connection.write(inserts, *last)
            connection.commit()
            return changed

    def _now(self) -> str:
        return times.format_recorded(self._clock())


def state_of(connection: Session, subject: str) -> State | None:
    """The state of a subject in the snapshot that is open."""
    rows = fetch(connection, ask(SUBJECT, submap.key_of(subject)))
    return state_in(rows[0]) if rows else None


def forget_short_codes(connection: Session, statement: bytes) -> None:
    """In a write transaction, forget the short codes that rest on a statement: of the holding or case that it began."""
    for raw, index in fetch(connection, ask(_LEAF, statement)):
        entry, root = parse_leaf(raw), leaf_hash(raw).hex()
        assert isinstance(entry, Entry), "statements stand in entries"
        said = entry.statement
        case = said.case if said.type == "case.opened" else None
        marked = [(_FORGET_MARKED, (subject, root, root + RELEASED, case)) for subject in said.subjects]
        connection.write((), *marked, (_FORGET_DRAWN, (index,)))


def row_of(row: Row) -> tuple[Any, ...]:
    """The values of a row of ``code``, in the table's order."""
    return tuple(row.values.get(column.name) for column in tables.code.columns)


def hash_of(token: str) -> bytes:
    """What is kept of a token; one that is malformed is looked up too, so that it takes the same time."""
    if not _TOKEN.fullmatch(token):
        token = ""
    return sha256(token.encode()).digest()
