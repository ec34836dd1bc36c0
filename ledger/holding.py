"""Who holds an item or a case: the fold of the entries that name a holder key (events.md §1 rule 7, §3).

A *holding* begins when somebody else's statement names a key for the item: a sale, a hand-over, an exchange, a
transfer or a reset. A claim puts another key of the same holder in its place. The keys that stood on paper stay with
the holding: whoever finds the paper again may claim once more, but such a later claim, like a reset, waits 72 hours in
the open and can be refused by whoever holds the item now. A holding lasts until another key is named.

Nothing here changes its argument: a holding is a value, and ``at`` says which one is in force at a time.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import times
from ledger.errors import Forbidden, Refused
from ledger.leaf import Entry, Statement

WAIT = 72 * times.HOUR
"""A later claim or a reset is in force for every entry recorded this long after it (amendments R5)."""
PAPER = ("receipt", "sealed")


class Grant(Struct, frozen=True):
    """A key of the holder, how it is kept, and the leaf hash of the entry that made it the holder's."""

    key: str
    custody: str
    entry: str


class Pending(Struct, frozen=True):
    """A later claim or a reset that waits: ``id`` is its statement, ``since`` when it was recorded."""

    grant: Grant
    id: str
    since: str
    reset: bool
    root: str | None


class Holding(Struct, frozen=True):
    """``grants`` are the keys of this holding, the present one last; the first one's entry is its root.

    ``reset_at`` is when a key that came by reset came into force; ``released`` after a return or an exchange.
    """

    grants: tuple[Grant, ...]
    released: bool = False
    reset_at: str | None = None
    by: str = ""

    @property
    def present(self) -> Grant:
        """The key that speaks for the holder."""
        return self.grants[-1]

    @property
    def root(self) -> str:
        """The leaf hash of the entry that began this holding."""
        return self.grants[0].entry


class Held(Struct, frozen=True):
    """The holding in force, if any, and what waits to take its place, oldest first."""

    holding: Holding | None = None
    pending: tuple[Pending, ...] = ()

    def at(self, recorded_at: str) -> Held:
        """What is in force for an entry that is recorded then."""
        now = times.parse_recorded(recorded_at)
        # The oldest waits first, so if it still does they all do: waiting claims cost nothing to pass by.
        if not self.pending or now < times.parse_recorded(self.pending[0].since) + WAIT:
            return self
        holding, left = self.holding, []
        for pending in self.pending:
            due = times.parse_recorded(pending.since) + WAIT
            if now < due:
                left.append(pending)
            elif pending.root == _root_of(holding):
                holding = _come_into_force(holding, pending, times.format_recorded(due))
        return Held(holding, tuple([pending for pending in left if pending.root == _root_of(holding)]))


def _root_of(holding: Holding | None) -> str | None:
    return None if holding is None else holding.root


def _come_into_force(holding: Holding | None, pending: Pending, due: str) -> Holding:
    if pending.reset:
        return Holding((pending.grant,), reset_at=due, by="reset")
    assert holding is not None, "a claim waits under a holding"
    return replace(holding, grants=(*holding.grants, pending.grant), by="claim")


def speaker(held: Held, entry: Entry) -> Grant:
    """The grant by which the holder signs this entry; ``held`` is in force at its ``recorded_at``.

    Raises ``Forbidden`` unless the statement's ``grant`` and every signature but a new key's are the holder's.
    """
    statement, holding = entry.statement, held.holding
    if holding is None:
        raise Forbidden("nobody holds this, so nobody can speak as its holder", "/grant")
    grants = holding.grants if statement.type == "item.claimed" else (holding.present,)
    grant = next((grant for grant in grants if grant.entry == statement.grant), None)
    if grant is None or (grant is not holding.present and grant.custody not in PAPER):
        raise Forbidden("got a grant whose holding does not last, want the present holder's", "/grant")
    keys = [signature.key for signature in entry.signatures]
    new = statement.details.get("holder_key") if statement.type in {"item.claimed", "item.transferred"} else None
    if keys != ([grant.key] if new is None else [grant.key, new]):
        raise Forbidden("want the signature of the holder's key, then that of a new key if one is named", "/signatures")
    return grant


def refuse_naming(held: Held, statement: Statement) -> None:
    """Raise ``Refused`` if a sale, hand-over or exchange names a holder for what is held already (rule 7)."""
    if "holder_key" in statement.details and held.holding is not None and not held.holding.released:
        raise Refused(
            "this is held; a new holder is named by the present one", "/details/holder_key", ("item.transferred",)
        )


def refuse_claim_or_transfer(held: Held, statement: Statement) -> None:
    """Raise ``Refused`` if the holding is released, or a claim is refused that does not wait."""
    if statement.type == "item.claim_refused":
        if statement.details["refused"] not in [pending.id for pending in held.pending]:
            raise Refused("got a claim or reset that does not wait", "/details/refused")
    elif held.holding is not None and held.holding.released:
        raise Refused(
            "this was returned or exchanged; its former holder may no longer claim or transfer",
            "/type",
            ("case.evaluated", "statement.disputed"),
        )


def named(held: Held, entry: Entry, leaf_hash: str) -> Held:
    """What is in force after an accepted entry that names a holder key."""
    statement = entry.statement
    grant = Grant(statement.details["holder_key"], statement.details["holder_custody"], leaf_hash)
    holding = held.holding
    waits = Pending(grant, statement.id, entry.recorded_at, reset=True, root=_root_of(holding))
    if statement.type == "item.holder_reset":
        return Held(holding, (*held.pending, waits))
    if statement.type == "item.claimed" and holding is not None:
        if statement.grant != holding.present.entry:
            return Held(holding, (*held.pending, replace(waits, reset=False)))
        return Held(replace(holding, grants=(*holding.grants, grant), by="claim"), held.pending)
    return Held(Holding((grant,), by=statement.type))


def released(held: Held) -> Held:
    """What is in force after a return or an exchange."""
    return held if held.holding is None else Held(replace(held.holding, released=True), held.pending)


def refused(held: Held, claim: str) -> Held:
    """What is in force after the holder refused a claim or a reset that waited."""
    return Held(held.holding, tuple([pending for pending in held.pending if pending.id != claim]))
