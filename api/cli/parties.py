"""Registering parties and adding their keys, as `patina party`, `key`, `import` and `demo` all do it.

A key is kept before the statement that adds it is said: a run that is killed between the two leaves a key that speaks
for nobody, and never a party whose key is lost. Every function may be run again.
"""

from __future__ import annotations

import os
from typing import Any

from api.cli import folder
from api.cli.folder import Voice
from ledger import uri
from ledger.db.ledger import Ledger
from ledger.didkey import parse_did
from ledger.dsse import SEED_BYTES, SigningKey
from ledger.errors import Refused


def register(ledger: Ledger, party: str, details: dict[str, Any], own: SigningKey | None = None) -> SigningKey:
    """Register a party unless it is, with a first key unless it has one; return the key it signs with.

    `own` is a key that the party keeps itself; without it one is made and kept in custody. The operator says both.
    """
    say_registered(ledger, party, details)
    if own is not None:
        if own.did not in keys_in_force(ledger, party):
            add_key(ledger, party, own, custody="self")
        return own
    kept = ledger.access.party_signer(party)
    if kept is None:
        kept = ledger.access.keep_party_key(party, os.urandom(SEED_BYTES))
        add_key(ledger, party, kept, custody="ledger")
    return kept


def say_registered(ledger: Ledger, party: str, details: dict[str, Any]) -> None:
    """Register a party, unless it is."""
    found = ledger.view.parties.parties.get(party)
    if found is None or not found.registered:
        operator = Voice.of(ledger, ledger.operator)
        folder.say(ledger, operator.draft("party.registered", [uri.authority_of(party)], details))


def value_to_sign(ledger: Ledger, party: str, did: str) -> dict[str, Any]:
    """The ``key.added`` of a key kept elsewhere: ``{"statement", "signatures"}``, to be signed by that key too.

    Signed so far by the operator, while the party has no key in force; else by the party's key in custody, if any:
    without one the party signs with a key in force of its own and with the new one.
    """
    parse_did(did)
    signer: Voice | None = Voice.of(ledger, ledger.operator)
    party_key = ledger.access.party_signer(party)
    if keys_in_force(ledger, party):
        signer = None if party_key is None else Voice(ledger, party, party_key)
    subjects, details = [uri.authority_of(party)], {"key": did, "custody": "self"}
    if signer is None:
        return {"statement": folder.value_of(ledger, party, "key.added", subjects, details), "signatures": []}
    value = signer.value("key.added", subjects, details)
    signatures = [{"key": one.key, "sig": one.sig} for one in folder.draft(value, [signer.key]).signatures]
    return {"statement": value, "signatures": signatures}


def add_key(ledger: Ledger, party: str, key: SigningKey, *, custody: str) -> None:
    """Add a key whose secret this process holds."""
    operator = Voice.of(ledger, ledger.operator)
    signer = operator if not keys_in_force(ledger, party) else Voice.of(ledger, party)
    value = signer.value("key.added", [uri.authority_of(party)], {"key": key.did, "custody": custody})
    folder.say(ledger, folder.draft(value, [signer.key, key]))


def keys_in_force(ledger: Ledger, party: str) -> list[str]:
    """The did:keys that speak for a party now."""
    found = ledger.view.parties.parties.get(party)
    return [] if found is None else list(found.keys)


def find_party(ledger: Ledger, words: str) -> str:
    """The id of the party that `words` are the id or, if only one has it, the name of; raises `Refused`."""
    parties = ledger.view.parties.parties
    if words in parties:
        return words
    named = [party for party, found in parties.items() if found.name == words]
    if len(named) != 1:
        raise Refused(
            f"got {words[:80]!r}, which {len(named) or 'no'} parties are called; patina party list has their ids"
        )
    return named[0]
