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
    """The ``key.added`` of a key kept elsewhere, for that key to sign.

    The operator says it while the party has no key in force, else the party itself. Whose key is in custody signs when
    the statement comes back (`co_signed`); a party that keeps its keys signs with one of them and with the new one.
    """
    parse_did(did)
    speaker = party if keys_in_force(ledger, party) else ledger.operator
    details = {"key": did, "custody": "self"}
    return folder.value_of(ledger, speaker, "key.added", [uri.authority_of(party)], details)


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
        called = f"{len(named)} parties are called" if named else "no party is called"
        raise Refused(f"got {words[:80]!r}, which {called}; patina party list has their ids")
    return named[0]
