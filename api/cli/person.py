"""``patina person``: the people of a party, and how they come in; the first owner of a party is made here.

First passwords and PINs are drawn at random and shown once. Names stay in the database, encrypted; what a person says
in the ledger carries her agent id.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from api.cli import folder, parties, terminal
from api.passwords import hash_secret, new_password, new_pin
from ledger.db.ledger import Ledger
from ledger.db.people import ROLES, Person
from ledger.errors import Refused

_ADD = "Add a person to a party. With --login she comes in by a password, with --pin on a shared tablet."
_CHANGES = {
    "disable": "let a person in no longer; her sessions end",
    "enable": "let a person in again",
    "forget": "erase name, login, password and PIN; her agent id stays, and nobody gets it again",
    "password": "draw a new password, shown once",
    "pin": "draw a new PIN, shown once; what was locked is open",
}


def main(argv: Sequence[str]) -> int:
    """Do what the word after ``person`` says; 0."""
    words = terminal.parser(
        "person",
        "Add, list and change the people of a party.",
        "patina person add 'A. Jeweller' --party 'Corner Workshop' --role owner --login aj@example.org --dir var",
    )
    verbs = words.add_subparsers(dest="verb", required=True, metavar="add|list|role|disable|enable|forget|password|pin")
    _add_words(verbs.add_parser("add", help="add a person", description=_ADD))
    listing = verbs.add_parser("list", help="list people", description="List people, with their ids and agent ids.")
    listing.add_argument("--party", metavar="P", help="of one party: its id or its name")
    _shared(listing)
    role = terminal.add_verb(verbs, "role", "give a person another role")
    role.add_argument("id", metavar="ID", help="the person's id; patina person list has it")
    role.add_argument("role", choices=ROLES)
    _shared(role)
    for verb, about in _CHANGES.items():
        change = terminal.add_verb(verbs, verb, about)
        change.add_argument("id", metavar="ID", help="the person's id; patina person list has it")
        _shared(change)
    given = words.parse_args(argv)
    with folder.opened(given.dir) as ledger:
        if given.verb == "add":
            return _add(ledger, given)
        return _list(ledger, given) if given.verb == "list" else _change(ledger, given)


def _shared(words: argparse.ArgumentParser) -> None:
    terminal.add_folder(words)
    terminal.add_json(words)


def _add_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("name", metavar="NAME", help="who she is; kept encrypted")
    words.add_argument("--party", metavar="P", required=True, help="its id or its name")
    words.add_argument("--role", required=True, choices=ROLES)
    words.add_argument("--login", metavar="L", help="what she types to come in, such as an e-mail address")
    words.add_argument("--agent", metavar="A", help="her id in statements (default: drawn at random)")
    words.add_argument("--pin", action="store_true", help="draw her a PIN for a shared tablet")
    _shared(words)


def _add(ledger: Ledger, given: argparse.Namespace) -> int:
    party = parties.find_party(ledger, given.party)
    person = ledger.access.people.add(party, given.role, given.name, given.login, given.agent)
    shown = {"password": _new_password(ledger, person)} if given.login is not None else {}
    if given.pin:
        shown["pin"] = _new_pin(ledger, person)
    return _told(given, _found(ledger, person.id), shown)


def _change(ledger: Ledger, given: argparse.Namespace) -> int:
    person, people = _found(ledger, given.id), ledger.access.people
    shown = {}
    match given.verb:
        case "role":
            people.set_role(person.id, given.role)
        case "disable" | "enable":
            people.set_disabled(person.id, disabled=given.verb == "disable")
        case "forget":
            people.forget(person.id)
        case "password":
            shown["password"] = _new_password(ledger, person)
        case _:
            shown["pin"] = _new_pin(ledger, person)
    ledger.access.visits.let_out(person.id)
    return _told(given, _found(ledger, person.id), shown)


def _found(ledger: Ledger, person_id: str) -> Person:
    found = ledger.access.people.get(person_id)
    if found is None:
        raise Refused("got an id that is nobody's; patina person list has them")
    return found


def _new_password(ledger: Ledger, person: Person) -> str:
    password = new_password()
    ledger.access.people.set_password(person.id, hash_secret(password))
    return password


def _new_pin(ledger: Ledger, person: Person) -> str:
    pin = new_pin()
    ledger.access.people.set_pin(person.id, hash_secret(pin))
    return pin


def _list(ledger: Ledger, given: argparse.Namespace) -> int:
    """Print everybody, of one party or of all."""
    party = None if given.party is None else parties.find_party(ledger, given.party)
    people = ledger.access.people.all(party)
    if given.json:
        terminal.answer([_described(one) for one in people])
        return 0
    names = ledger.view.parties.parties
    rows = [(one.id, one.name, names[one.party].name, one.role, one.agent, _state(one)) for one in people]
    print(terminal.table(("person", "name", "party", "role", "agent", ""), rows))
    return 0


def _described(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in person.__slots__}


def _state(person: Person) -> str:
    return "disabled" if person.disabled_at else " and ".join(_ways(person)) or "no way in yet"


def _ways(person: Person) -> list[str]:
    return (["password"] if person.has_password else []) + (["PIN"] if person.has_pin else [])


def _told(given: argparse.Namespace, person: Person, shown: dict[str, str]) -> int:
    if given.json:
        terminal.answer(_described(person) | shown)
        return 0
    print(f"person    {person.id}")
    print(f"agent     {person.agent} ({person.role}; {_state(person)})")
    for name, secret in shown.items():
        print(f"{name:<9} {secret} (shown only now)")
    return 0
