"""``patina party``: registers, suspends and lists parties; the operator says so, in the ledger (events.md §1)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from api.cli import folder, parties, terminal
from api.cli.co_signed import print_to_sign
from api.rights import WRITE
from api.signing_keys import Clerk
from ledger.db.ledger import Ledger
from ledger.didkey import parse_did
from ledger.errors import Invalid, Refused
from ledger.party import ROLES

_ADD = (
    "Register a party, with a key and an API key, which is shown only now. With --custody self the party keeps its "
    "key, and the statement that this key must sign is printed too (patina sign, then patina key add --signed)."
)

_SUSPEND = (
    "Suspend a party. Nothing that it says is accepted any more but the revocation of its keys, and its API keys only "
    "read. What it said before stays, and pages say that it is suspended."
)


def main(argv: Sequence[str]) -> int:
    """Do what the word after ``party`` says; 0."""
    words = terminal.parser(
        "party",
        "Register parties, suspend and reinstate them, and list them.",
        "patina party add 'Corner Workshop' --role repairer --country GB --dir var",
    )
    verbs = words.add_subparsers(dest="verb", required=True, metavar="add|suspend|reinstate|list")
    _add_words(verbs.add_parser("add", help="register a party, with a key and an API key", description=_ADD))
    _standing_words(verbs.add_parser("suspend", help="accept nothing more of a party", description=_SUSPEND))
    _standing_words(verbs.add_parser("reinstate", help="end a suspension", description="End a suspension."))
    _list_words(verbs.add_parser("list", help="list the parties", description="List the parties, with their ids."))
    given = words.parse_args(argv)
    with folder.opened(given.dir, given) as ledger:
        do = {"add": _add, "suspend": _standing, "reinstate": _standing, "list": _list}[given.verb]
        return do(ledger, given)


def _add_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("name", metavar="NAME", help="what customers read")
    words.add_argument("--role", action="append", required=True, choices=ROLES[1:], help="may be given again")
    words.add_argument("--country", metavar="CC", help="two capitals of ISO 3166-1")
    words.add_argument(
        "--custody",
        choices=("ledger", "self"),
        default="ledger",
        help="ledger: this service keeps the key and signs; self: the party keeps it (default: ledger)",
    )
    words.add_argument("--did", metavar="DID", help="with --custody self: the party's did:key (patina keygen)")
    words.add_argument("--another", action="store_true", help="also where a party has this name already")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)


def _standing_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("party", metavar="PARTY", help="its id or its name")
    words.add_argument(
        "--reason", metavar="WORD", required=True, help="one word, which everybody can read: fraud, error"
    )
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)


def _list_words(words: argparse.ArgumentParser) -> None:
    terminal.add_folder(words)
    terminal.add_json(words)
    words.set_defaults(accept_clock=False)


def _add(ledger: Ledger, given: argparse.Namespace) -> int:
    """Register a party; with a key of its own, print what that key must sign."""
    if (given.custody == "self") != (given.did is not None):
        raise Invalid("got --custody self without --did, or --did without it; want both or neither")
    if given.did is not None:
        parse_did(given.did)
    details: dict[str, Any] = {"name": given.name, "roles": given.role}
    if given.country is not None:
        details["country"] = given.country
    _check_name(ledger, given)
    party = folder.new_uuid(folder.now_us())
    if given.custody == "ledger":
        key = parties.register(ledger, party, details).did
    else:
        parties.say_registered(ledger, party, details)
        key = given.did
    secret = ledger.access.create_api_key(party, [WRITE], given.name)
    made = {"id": party, "name": given.name, "roles": given.role, "key": key, "api_key": secret}
    if given.custody == "self":
        made["to_sign"] = parties.value_to_sign(ledger, party, key)
    if given.json:
        terminal.answer(made)
        return 0
    print(f"party    {party}")
    print(f"key      {key} ({'in custody' if given.custody == 'ledger' else 'not in force until it has signed'})")
    print(f"API key  {secret} (shown only now)")
    if given.custody == "self":
        print_to_sign(made["to_sign"], given.dir)
    return 0


def _standing(ledger: Ledger, given: argparse.Namespace) -> int:
    """Suspend or reinstate a party: the operator says so, for everybody to read."""
    party, ends = parties.find_party(ledger, given.party), given.verb == "reinstate"
    clerk = Clerk(ledger, folder.now_us(), folder.new_uuid)
    (accepted,) = folder.say(ledger, clerk.suspension(party, given.reason, ends=ends))
    if given.json:
        terminal.answer({"party": party, "suspended": not ends, "index": accepted.index})
    else:
        print(f"party {party} is {'reinstated' if ends else 'suspended: it may revoke its keys, and say nothing else'}")
    return 0


def _check_name(ledger: Ledger, given: argparse.Namespace) -> None:
    """Raise `Refused` for a name that a party has, in any case: what is registered stays for ever."""
    wanted = given.name.casefold()
    for party, one in ledger.view.parties.parties.items():
        if one.name.casefold() == wanted and not given.another:
            raise Refused(f"got the name {given.name[:80]!r}, which {party} has; --another registers one more of it")


def _list(ledger: Ledger, given: argparse.Namespace) -> int:
    """Print every party with its roles and how many keys it has in force."""
    found: list[dict[str, Any]] = [
        {
            "id": party,
            "name": one.name,
            "roles": list(ledger.view.parties.roles(party)),
            "country": one.country,
            "keys": list(one.keys),
            "suspended": one.suspended,
        }
        for party, one in ledger.view.parties.parties.items()
    ]
    if given.json:
        terminal.answer(found)
        return 0
    rows = (
        (one["id"], one["name"], " ".join(one["roles"]), str(len(one["keys"])), "suspended" if one["suspended"] else "")
        for one in found
    )
    print(terminal.table(("party", "name", "roles", "keys", ""), rows))
    return 0
