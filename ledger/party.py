"""Parties, their roles and keys, and the ledger's own keys: who may speak (events.md §1, "Authority, exactly").

``Parties`` is a fold of the entries of the ledger subject and of the authority subjects, in index order. The service
folds every one of them; a reader folds those that a history bundle shows, which is all that the bundle's entries need,
and then ``complete`` is false: nothing may be concluded from a party that is not there.

An entry is judged by the state before its own index, so the caller asks first (``refuse_…`` raise) and lets ``follow``
change the table afterwards.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import Struct

from ledger import didkey, leaf, note, times, uri
from ledger.errors import Forbidden, Invalid, Refused, Unknown
from ledger.leaf import Entry, Statement

ROLES = ("operator", "manufacturer", "retailer", "repairer", "certifier", "carrier", "auditor")
MAX_VKEYS = 4


class Party(Struct):
    """A registered party; ``keys`` are its did:keys in force, in the order in which they were added."""

    name: str = ""
    roles: tuple[str, ...] = ()
    parent: str | None = None
    country: str | None = None
    registered: bool = False
    suspended: bool = False
    keys: list[str] = []


class Key(Struct):
    """A party's key: ``signers`` vouched for it at ``added_at``.

    ``since`` is when what it said became doubtful (``ledger.doubt``), as the revocation at index ``told`` says.
    """

    party: str
    index: int
    added_at: str
    custody: str
    signers: tuple[str, ...] = ()
    installed: bool = False
    revoked: int | None = None
    reason: str | None = None
    since: str | None = None
    told: int | None = None


class Parties(Struct):
    """Who may speak at an index of the log. ``ledger`` is the leaf hash of entry 0, in hex."""

    complete: bool = True
    ledger: str = ""
    ledger_subject: str = ""
    origin: str = ""
    name: str = ""
    operator: str = ""
    vkeys: dict[str, int | None] = {}
    """Every vkey that the ledger ever signed with, and the index of the entry that retired it."""
    parties: dict[str, Party] = {}
    keys: dict[str, Key] = {}

    def roles(self, party: str) -> tuple[str, ...]:
        """The roles of a party; the operator is whoever entry 0 names, and nobody else."""
        found = self.parties.get(party)
        roles = () if found is None else found.roles
        return ("operator", *roles) if party == self.operator else roles

    def known(self, party: str) -> bool:
        """Whether this uuid is a party."""
        return party in self.parties

    def in_force(self, did: str, party: str) -> bool:
        """Whether this key may speak for this party now."""
        found = self.parties.get(party)
        return found is not None and did in found.keys

    def is_key(self, did: str) -> bool:
        """Whether this key was ever a party's or the ledger's: then it can be nobody else's."""
        return did in self.keys or any(did_of(vkey) == did for vkey in self.vkeys)

    def vkeys_in_force(self) -> tuple[str, ...]:
        """The vkeys that sign the next checkpoint, oldest first."""
        return tuple([vkey for vkey, retired in self.vkeys.items() if retired is None])

    def refuse(self, entry: Entry) -> None:
        """Raise ``Refused`` if this ``ledger.*``, ``party.*`` or ``key.*`` entry contradicts the table.

        That its signers may speak for its party is judged elsewhere (``ledger.rule``); here is what they may change.
        """
        refuse = _REFUSE.get(entry.statement.type)
        if refuse is not None:
            refuse(self, entry)

    def follow(self, entry: Entry, leaf_hash: str) -> None:
        """Change the table by an entry that was accepted; one that decides nothing about parties changes nothing."""
        follow = _FOLLOW.get(entry.statement.type)
        if follow is not None:
            follow(self, entry, leaf_hash)


def start(entry: Entry, leaf_hash: str, *, complete: bool = True) -> Parties:
    """The table after entry 0, which must be a ``ledger.created`` signed by the operator key that it names.

    Raises ``Invalid``. The signature itself is checked with all others.
    """
    statement = entry.statement
    if entry.index != 0 or statement.type != "ledger.created" or statement.ledger is not None:
        raise Invalid("entry 0 is not a ledger.created without a ledger member", "/statement/type")
    if len(statement.subjects) != 1 or statement.corrects is not None:
        raise Invalid("want one subject of entry 0, and nothing that it corrects", "/statement/subjects")
    leaf.check_time(entry)
    details = statement.details
    did = details["key"]
    vkey = note.parse_vkey(details["vkey"])
    if vkey.name != details["origin"]:
        raise Invalid("want a vkey named like the origin", "/statement/details/vkey")
    _check_kind(vkey, "/statement/details/vkey")
    if didkey.format_did(vkey.public) == didkey.format_did(didkey.parse_did(did)):
        raise Invalid("the operator's key is the log's key", "/statement/details/key")
    if [signature.key for signature in entry.signatures] != [did]:
        raise Invalid("entry 0 is not signed by the operator key that it names, and by it alone", "/signatures")
    if statement.party == statement.subjects[0] or uri.subject_kind(statement.subjects[0]) != "uuid":
        raise Invalid("want a uuid of its own for the ledger", "/statement/subjects/0")
    operator = Party(name=details["name"], keys=[did])
    key = Key(party=statement.party, index=0, added_at=entry.recorded_at, custody="self")
    return Parties(
        complete=complete,
        ledger=leaf_hash,
        ledger_subject=statement.subjects[0],
        origin=details["origin"],
        name=details["name"],
        operator=statement.party,
        vkeys={details["vkey"]: None},
        parties={statement.party: operator},
        keys={did: key},
    )


def dump(parties: Parties) -> bytes:
    """The table as bytes, for a cache of the fold; ``load`` undoes it."""
    return msgspec.json.encode(parties)


def load(raw: bytes) -> Parties:
    """The table that ``dump`` wrote."""
    return msgspec.json.decode(raw, type=Parties)


@lru_cache(maxsize=64)
def did_of(vkey: str) -> str:
    """The did:key of the public key in a vkey; raises ``Malformed`` for no vkey, ``Unknown`` for another type."""
    parsed = note.parse_vkey(vkey)
    _check_kind(parsed, "/details/vkey")
    return didkey.format_did(parsed.public)


def _check_kind(vkey: note.VKey, pointer: str) -> None:
    if vkey.kind != note.ED25519:
        raise Unknown(f"got a vkey of type {vkey.kind}, this version knows type 1", pointer)


def _subject_party(statement: Statement) -> str:
    return uri.party_of(statement.subjects[0])


def _refuse_vkey(parties: Parties, entry: Entry) -> None:
    pointer, vkey = "/details/vkey", entry.statement.details["vkey"]
    name = note.parse_vkey(vkey).name
    if name != parties.origin:
        raise Refused(f"got a vkey named {name}, want the origin {parties.origin}", pointer)
    if parties.is_key(did_of(vkey)):
        raise Refused("got a key that was used before; a key is added once in the life of a ledger", pointer)
    if len(parties.vkeys_in_force()) >= MAX_VKEYS:
        raise Refused(f"{MAX_VKEYS} ledger keys are in force; retire one first", pointer, ("ledger.key_retired",))


def _refuse_vkey_retirement(parties: Parties, entry: Entry) -> None:
    in_force = parties.vkeys_in_force()
    if entry.statement.details["vkey"] not in in_force:
        raise Refused("got a vkey that is not in force", "/details/vkey")
    if len(in_force) == 1:
        raise Refused(
            "the last ledger key cannot be retired; add another first", "/details/vkey", ("ledger.key_added",)
        )


def _refuse_registration(parties: Parties, entry: Entry) -> None:
    party = _subject_party(entry.statement)
    found = parties.parties.get(party)
    if found is not None and found.registered:
        raise Refused("this party is registered", "/subjects/0", ("party.updated",))
    _refuse_roles(parties, entry.statement, party)


def _refuse_update(parties: Parties, entry: Entry) -> None:
    party = _registered(parties, entry.statement)
    _refuse_roles(parties, entry.statement, party)


def _refuse_roles(parties: Parties, statement: Statement, party: str) -> None:
    if "operator" in statement.details["roles"] and party != parties.operator:
        raise Refused("the operator is the party that entry 0 names, and no other", "/details/roles")
    parent = statement.details.get("parent")
    seen = {party}
    while parent is not None:
        if parent in seen:
            raise Refused("a party cannot stand above itself", "/details/parent")
        seen.add(parent)
        found = parties.parties.get(parent)
        if found is None and parties.complete:
            raise Refused("got a parent that is not registered", "/details/parent")
        parent = None if found is None else found.parent


def _refuse_suspension(parties: Parties, entry: Entry) -> None:
    party = _registered(parties, entry.statement)
    if party == parties.operator:
        raise Refused("the operator cannot suspend itself", "/subjects/0")
    if parties.parties[party].suspended:
        raise Refused("this party is suspended", "/type", ("party.reinstated", "key.revoked"))


def _refuse_reinstatement(parties: Parties, entry: Entry) -> None:
    if not parties.parties[_registered(parties, entry.statement)].suspended:
        raise Refused("this party is not suspended", "/type", ("party.suspended",))


def _registered(parties: Parties, statement: Statement) -> str:
    party = _subject_party(statement)
    found = parties.parties.get(party)
    if found is None or not found.registered:
        raise Refused("this party is not registered", "/subjects/0", ("party.registered",))
    return party


def _refuse_key(parties: Parties, entry: Entry) -> None:
    statement = entry.statement
    party = _subject_party(statement)
    if not parties.known(party):
        raise Refused("this party is not registered", "/subjects/0", ("party.registered",))
    if parties.is_key(statement.details["key"]):
        raise Refused("got a key that was used before; a key is added once in the life of a ledger", "/details/key")
    if statement.party != party and parties.parties[party].keys:
        raise Forbidden("this party has a key in force and adds its next one itself", "/party")


def _refuse_revocation(parties: Parties, entry: Entry) -> None:
    statement = entry.statement
    key = parties.keys.get(statement.details["key"])
    if key is None or key.party != _subject_party(statement):
        raise Refused("got a key that was never this party's", "/details/key")
    if key.revoked is None:
        return
    if statement.details["reason"] != "compromised":
        raise Refused("this key is revoked; only a compromise found later may still be said", "/details/key")
    # Whoever stole the key could otherwise say "since tomorrow" first, and what they said would never be doubtful.
    if key.reason == "compromised" and key.since is not None and _since(entry) >= key.since:
        raise Refused(
            f"this key was compromised since {key.since}; only an earlier time may still be said", "/details/since"
        )


def _follow_vkey(parties: Parties, entry: Entry, _: str) -> None:
    parties.vkeys[entry.statement.details["vkey"]] = None


def _follow_vkey_retirement(parties: Parties, entry: Entry, _: str) -> None:
    parties.vkeys[entry.statement.details["vkey"]] = entry.index


def _follow_registration(parties: Parties, entry: Entry, _: str) -> None:
    details = entry.statement.details
    party = parties.parties.setdefault(_subject_party(entry.statement), Party())
    party.registered = True
    party.name = details["name"]
    party.roles = tuple([role for role in details["roles"] if role != "operator"])
    party.parent = details.get("parent")
    party.country = details.get("country")


def _follow_suspension(parties: Parties, entry: Entry, _: str) -> None:
    parties.parties[_subject_party(entry.statement)].suspended = entry.statement.type == "party.suspended"


def _follow_key(parties: Parties, entry: Entry, _: str) -> None:
    statement = entry.statement
    did, party = statement.details["key"], _subject_party(statement)
    parties.parties.setdefault(party, Party()).keys.append(did)
    parties.keys[did] = Key(
        party=party,
        index=entry.index,
        added_at=entry.recorded_at,
        custody=statement.details["custody"],
        signers=tuple([signature.key for signature in entry.signatures if signature.key != did]),
        installed=statement.party != party,
    )


def _follow_revocation(parties: Parties, entry: Entry, _: str) -> None:
    details = entry.statement.details
    key = parties.keys[details["key"]]
    if key.revoked is None:
        key.revoked = entry.index
        parties.parties[key.party].keys.remove(details["key"])
    key.reason = details["reason"]
    if details["reason"] == "compromised" or "since" in details:
        since = _since(entry)
        if key.since is None or since < key.since:
            key.since, key.told = since, entry.index


def _since(entry: Entry) -> str:
    """From when a revocation makes a key doubtful, spelled as ``recorded_at`` is; cut to milliseconds, as that is."""
    stated = entry.statement.details.get("since")
    return entry.recorded_at if stated is None else times.format_recorded(times.parse_occurred(stated))


_REFUSE = {
    "ledger.key_added": _refuse_vkey,
    "ledger.key_retired": _refuse_vkey_retirement,
    "party.registered": _refuse_registration,
    "party.updated": _refuse_update,
    "party.suspended": _refuse_suspension,
    "party.reinstated": _refuse_reinstatement,
    "key.added": _refuse_key,
    "key.revoked": _refuse_revocation,
}
_FOLLOW = {
    "ledger.key_added": _follow_vkey,
    "ledger.key_retired": _follow_vkey_retirement,
    "party.registered": _follow_registration,
    "party.updated": _follow_registration,
    "party.suspended": _follow_suspension,
    "party.reinstated": _follow_suspension,
    "key.added": _follow_key,
    "key.revoked": _follow_revocation,
}
