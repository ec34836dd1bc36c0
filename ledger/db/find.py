"""Finding records by a telephone number, an e-mail address or a number on a paper, without keeping any of them.

What is kept is HMAC-SHA-256 of the value's one spelling (``ledger.db.needles``) under a key of the *chain* that wrote
it: the party at the top of ``parent``. The key is wrapped by the master key. Without it a hash tells nothing, and two
chains' hashes of one customer have nothing in common; with it telephone numbers can be tried out, as there are few of
them, which is why hashes of private values are erased with their class of data (``private_tables.ERASED_WITH``).

A party finds what the parties of its chain wrote, as the chain is now: a shop that leaves takes its records with it,
and one that joins brings them. So a search asks under every key that one of the chain's parties ever wrote under, and
counts only what these parties wrote.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger import times
from ledger.db.draft import Row
from ledger.db.gate import Gate
from ledger.db.needles import MAX_VALUES, PRIVATE, normal, private_values, public_values
from ledger.db.secret import KeyKeeper
from ledger.db.tables import find_chain, find_key, find_private, find_public
from ledger.db.views import urn_of, uuid_bytes
from ledger.errors import Invalid
from ledger.leaf import Statement
from ledger.party import Parties
from ledger.private import number_of

MAX_FOUND = 100
_LABEL = b"patina/v1/find\n"
_CHAIN_DEPTH = 16


@dataclass(frozen=True, slots=True)
class FindKey:
    """The key of a chain (the uuid of the party at its top), and the country that its party's numbers are of."""

    chain: str
    country: str | None
    _secret: bytes = field(repr=False)

    def hash(self, name: str, text: str) -> bytes | None:
        """The keyed hash of a value, 32 bytes; ``None`` if nothing is left of it in its one spelling."""
        spelt = normal(name, text, self.country)
        if spelt is None:
            return None
        return hmac.digest(self._secret, _LABEL + f"{name}\n{spelt}".encode(), sha256)


@dataclass(frozen=True, slots=True)
class Found:
    """A statement that holds the value: its id, its main subject and who said it."""

    statement: str
    subject: str
    party: str


def find_rows(statement: Statement, private: Mapping[str, Any], key: FindKey) -> list[Row]:
    """The rows by which a statement is found, to be committed with it: by what stands in it, and by ``private``.

    ``key`` is that of the statement's party (``Finder.key``). Rows of private values are erased with their class.
    """
    place = {"statement": uuid_bytes(statement.id), "subject": statement.subjects[0], "party": statement.party}
    known = {key.hash(name, text) for name, text in public_values(statement)}
    rows = [Row("find_public", {"hash": one, **place}) for one in sorted(filter(None, known))[:MAX_VALUES]]
    hashes = {(key.hash(name, text), number) for number, name, text in _by_class(private)}
    for digest, number in sorted((one, number) for one, number in hashes if one is not None)[:MAX_VALUES]:
        rows.append(Row("find_private", {"hash": digest, "class": number, **place}))
    if rows:
        rows.append(Row("find_chain", {"party": statement.party, "chain": key.chain}))
    return rows


def _by_class(private: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    """The private values that a statement is found by, each with the number of its class of data."""
    for member, value in private.items():
        number = number_of(member)
        yield from ((number, name, text) for name, text in private_values({member: value}))


def chain_identity(chain: str) -> bytes:
    """The row that the wrapped key of a chain belongs to."""
    return b"find_key/" + chain.encode()


def top_of(parties: Parties, party: str) -> str:
    """The party at the top of a party's chain; a chain that leads round ends where it was 16 steps up."""
    for _ in range(_CHAIN_DEPTH):
        found = parties.parties.get(party)
        if found is None or found.parent is None or found.parent not in parties.parties:
            break
        party = found.parent
    return party


def chain_of(parties: Parties, party: str) -> frozenset[str]:
    """The parties of a party's chain: all that have the same party at the top."""
    top = top_of(parties, party)
    return frozenset([party, top, *(one for one in parties.parties if top_of(parties, one) == top)])


class Finder:
    """Keys of chains, and searching; safe for threads. ``parties`` gives the table of now."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        keys: KeyKeeper,
        parties: Callable[[], Parties],
        *,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        self._engine, self._keys, self._parties = engine, keys, parties
        self._clock, self._rand = clock, rand
        self._gate = gate
        self._secrets: dict[str, bytes] = {}

    def key(self, party: str) -> FindKey:
        """The key that a party writes under now, made on its first use."""
        parties = self._parties()
        chain = top_of(parties, party)
        found = parties.parties.get(party)
        return FindKey(chain, None if found is None else found.country, self._secret(chain))

    def find(self, party: str, name: str, text: str) -> list[Found]:
        """What the chain of a party wrote with this value, at most ``MAX_FOUND``; raises ``Invalid`` for no value."""
        parties = self._parties()
        chain, own = chain_of(parties, party), self.key(party)
        if own.hash(name, text) is None:
            raise Invalid("got nothing to look for", f"/{name}")
        query = select(find_chain.c.chain).where(find_chain.c.party.in_(sorted(chain))).distinct()
        tops = {own.chain, *(row.chain for row in self._read(query))}
        # In the country of the caller: whoever looks for a number dials it from there.
        keys = [FindKey(top, own.country, self._secret(top)) for top in sorted(tops)]
        hashes = [digest for key in keys if (digest := key.hash(name, text)) is not None]
        found: list[Found] = []
        for table in (find_private, find_public) if name in PRIVATE else (find_public, find_private):
            matches = select(table).where(table.c.hash.in_(hashes), table.c.party.in_(sorted(chain)))
            rows = self._read(matches.order_by(table.c.statement).limit(MAX_FOUND))
            found += [Found(urn_of(row.statement), row.subject, row.party) for row in rows]
        return list({one.statement: one for one in found}.values())[:MAX_FOUND]

    def _secret(self, chain: str) -> bytes:
        secret = self._secrets.get(chain)
        if secret is None:
            identity = chain_identity(chain)
            query = select(find_key.c.wrapped).where(find_key.c.chain == chain)
            rows = self._read(query)
            if not rows:
                self._make(chain, identity)
                rows = self._read(query)
            secret = self._secrets[chain] = self._keys.unwrap(bytes(rows[0].wrapped), identity)
        return secret

    def _make(self, chain: str, identity: bytes) -> None:
        """Write a new key, unless another process was first."""
        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        row = {"chain": chain, "wrapped": self._keys.wrap(self._rand(32), identity)}
        now = times.format_recorded(self._clock())
        with self._gate.writing() as connection:
            connection.execute(kind.insert(find_key).values(**row, created_at=now).on_conflict_do_nothing())

    def _read(self, query: Any) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())
