"""Private members on their way in: given beside a statement, never in it.

    {"statement": {…}, "private": {"price": "120.00", "customer": {"name": "…"}}, "person": "urn:uuid:…"}
    {"statement": {…, "_sd": [ … ]}, "signatures": [ … ], "disclosures": ["WyJ…"]}

Of ``private`` the service makes disclosures with fresh salts and puts their digests into ``_sd`` before it signs
(``digested``; what it made itself is not checked like what came). An
author that signs itself has made its own and hands them over as ``disclosures``, whose digests must be in what it
signed; digests without a disclosure are its own affair. ``person`` is the caller's pseudonym, a uuid, for whom this is
about: everything under it can be erased by one request. It is kept beside the ledger and never in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ledger import private
from ledger.db.draft import Draft
from ledger.db.vault import Vault, person_row
from ledger.disclosure import parse_disclosure
from ledger.errors import Invalid
from ledger.forms import is_uuid
from ledger.leaf import Statement
from ledger.types import TYPES

MEMBERS = frozenset({"private", "disclosures", "person"})


class Given(Struct, frozen=True):
    """What came beside a statement: disclosures, the private members' values by name, and a pseudonym.

    ``digests``, if there are any, say that the disclosures were made here, with salts that a repeat of the request does
    not have, and are what the statement is to have in ``_sd``.
    """

    disclosures: tuple[str, ...]
    values: Mapping[str, Any]
    person: str | None
    digests: tuple[str, ...] = ()


def take(value: Mapping[str, Any], statement: Any, vault: Vault) -> Given | None:
    """What was given beside a statement, if anything was; raises ``Invalid``.

    ``statement`` is as it came, perhaps no statement at all: what is wrong with it is found later, and only its type
    is looked at here.
    """
    if MEMBERS.isdisjoint(value):
        return None
    person = _person(value)
    kind = statement.get("type") if isinstance(statement, dict) else None
    if not isinstance(kind, str) or kind not in TYPES:
        return None  # refused by whoever reads the statement
    if "private" in value:
        return _made(value, statement, vault, person)
    return _own(value, statement, person)


def digested(statement: Statement, given: Given | None) -> Statement:
    """The statement with the digests of what was made here of its private members."""
    return replace(statement, sd=given.digests, sd_alg="sha-256") if given and given.digests else statement


def kept(draft: Draft, given: Given | None, vault: Vault) -> Draft:
    """The draft with its private values, and the rows that keep them, committed with the statement or not at all."""
    if given is None:
        return draft
    statement = draft.statement
    rows = draft.rows if given.person is None else (*draft.rows, person_row(statement, given.person))
    seal = vault.sealer(statement.id, given.values, given.disclosures)
    repeats = vault.repeats(draft.body, given.values) if given.digests else None
    return replace(draft, rows=rows, seal=seal, repeats=repeats, values=given.values)


def _made(value: Mapping[str, Any], statement: dict[str, Any], vault: Vault, person: str | None) -> Given:
    if value.get("signatures"):
        raise Invalid("got private with signatures: an author that signs itself gives disclosures", "/private")
    if "disclosures" in value:
        raise Invalid("got private and disclosures, want one of them", "/disclosures")
    if not {"_sd", "_sd_alg"}.isdisjoint(statement):
        raise Invalid("got private and _sd: the service makes the digests of private members", "/statement/_sd")
    values = value["private"]
    if not isinstance(values, dict):
        raise Invalid("want private, an object", "/private")
    try:
        disclosures = private.make_disclosures(statement["type"], values, vault.rand)
    except Invalid as error:
        raise Invalid(error.message, "/private" + error.pointer) from None
    return Given(disclosures, values, person, private.make_digests(statement["type"], disclosures, vault.rand))


def _own(value: Mapping[str, Any], statement: dict[str, Any], person: str | None) -> Given:
    texts, sd = value.get("disclosures"), statement.get("_sd")
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise Invalid("want disclosures, a list of one or more texts", "/disclosures")
    if not isinstance(sd, list):
        raise Invalid("got disclosures of a statement without _sd", "/disclosures")
    try:
        members = private.read_disclosures(statement["type"], sd, texts)
    except Invalid as error:
        raise Invalid(error.message, "/disclosures" + error.pointer) from None
    values = {name: member.value for name, member in members.items()}
    return Given(tuple(texts), values, person)


def _person(value: Mapping[str, Any]) -> str | None:
    person = value.get("person")
    if "person" in value and (not isinstance(person, str) or is_uuid(person) is None):
        raise Invalid("want person, a urn:uuid that you chose for somebody and tell nobody else", "/person")
    return person


def names_of(disclosures: list[str]) -> list[str]:
    """The names of disclosed members, in order."""
    return [parse_disclosure(one).name for one in disclosures]
