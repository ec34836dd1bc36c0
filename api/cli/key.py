"""``patina key``: the signing keys of parties, in custody or their own, and the API keys that act for them.

A key that the party keeps must show that somebody has it: `key add --did` prints the statement, `patina sign` adds the
new key's signature, and `key add --signed` says it (events.md §1, authority rule 3).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.cli import co_signed, folder, parties, terminal
from api.cli.span import parse_span
from api.rights import ADMIN, READ, SIGNING, WRITE
from api.signing_keys import REASONS, Clerk
from ledger.db.api_keys import OVERLAP
from ledger.db.ledger import Ledger
from ledger.errors import Invalid, Refused

_ADD = (
    "Add a signing key to a party. With --party alone a key is made and kept here; with --did as well the party keeps "
    "it, and the statement to sign is printed; with --signed that statement is said, once patina sign has signed it."
)
_ROTATE = (
    "Give a party its next key and retire the present one, both or neither. With --party alone both are kept here, and "
    "the old private key is forgotten. With --did as well the party moves to a key that it keeps itself; with "
    "--to-custody it gives its own key up for one that is kept here: the statement to sign is printed, and --signed "
    "says it, once patina sign has signed it."
)
_REVOKE = (
    "Revoke a signing key, as the operator, or an API key. A key that was compromised needs --since: what it said from "
    "then on is marked as doubtful wherever it is shown, and so is what keys said that it added. The time may be said "
    "again if it turns out to be earlier."
)
_LIST = (
    "List signing keys, who keeps them and whether they are in force, and the ids of API keys, whose secrets are shown "
    "only when they are made."
)
_API = (
    "Make another API key for a party, for a till or a program; it is shown only now. Its id is what it is listed, "
    "rotated and revoked by."
)
_ROTATE_API = (
    "Make the API key that follows one: same party, scopes, label and length of life. The old key goes on for the "
    "overlap, so that a program can be given its next key while the last one still works."
)


def main(argv: Sequence[str]) -> int:
    """Do what the word after ``key`` says; 0."""
    words = terminal.parser(
        "key",
        "Add, rotate, revoke and list the keys of a party.",
        "patina key add --party 'Corner Workshop' --did did:key:z6Mk… --dir var > to-sign.json\n"
        "  patina sign to-sign.json --key workshop.key > signed.json\n"
        "  patina key add --signed signed.json --dir var",
    )
    verbs = words.add_subparsers(dest="verb", required=True, metavar="add|rotate|revoke|list|api|rotate-api")
    _add_words(verbs.add_parser("add", help="add a key: in custody, or the party's own", description=_ADD))
    _rotate_words(verbs.add_parser("rotate", help="the next key, and the end of the present one", description=_ROTATE))
    _revoke_words(verbs.add_parser("revoke", help="revoke a signing key or an API key", description=_REVOKE))
    _list_words(verbs.add_parser("list", help="list signing keys and API keys", description=_LIST))
    _api_words(verbs.add_parser("api", help="make another API key", description=_API))
    _rotate_api_words(verbs.add_parser("rotate-api", help="make the API key that follows one", description=_ROTATE_API))
    given = words.parse_args(argv)
    verb = {"add": _add, "rotate": _rotate, "revoke": _revoke, "list": _list, "api": _api, "rotate-api": _rotate_api}
    with folder.opened(given.dir, given) as ledger:
        return verb[given.verb](ledger, given)


def _shared(words: argparse.ArgumentParser) -> None:
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)


def _add_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("--party", metavar="P", help="its id or its name")
    words.add_argument("--did", metavar="DID", help="a key that the party keeps; without it one is made and kept here")
    words.add_argument("--signed", metavar="FILE", type=Path, help="the statement with the new key's signature")
    _shared(words)


def _rotate_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("--party", metavar="P", help="its id or its name")
    words.add_argument("--did", metavar="DID", help="the next key, which the party keeps itself")
    words.add_argument("--to-custody", action="store_true", help="the next key is kept here, the present one is not")
    words.add_argument("--signed", metavar="FILE", type=Path, help="the statement with the party's signature")
    _shared(words)


def _revoke_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("--did", metavar="DID", help="the signing key")
    words.add_argument("--reason", choices=REASONS, default="retired")
    words.add_argument("--since", metavar="TIME", help="compromised since, as 2026-01-31T12:00:00Z")
    words.add_argument("--api", metavar="ID", help="the API key's id instead")
    _shared(words)


def _list_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("--party", metavar="P", help="of one party: its id or its name")
    _shared(words)


def _api_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("--party", metavar="P", required=True, help="its id or its name")
    words.add_argument("--scope", choices=(READ, WRITE, SIGNING, ADMIN), default=WRITE, help="(default: %(default)s)")
    words.add_argument("--label", default="", help="what it is for")
    words.add_argument("--expires", metavar="SPAN", type=parse_span, help="its life, such as 90d (default: no end)")
    _shared(words)


def _rotate_api_words(words: argparse.ArgumentParser) -> None:
    words.add_argument("id", metavar="ID", help="the API key's id; patina key list has it")
    words.add_argument(
        "--overlap", metavar="SPAN", type=parse_span, default=OVERLAP, help="how long the old key goes on (default: 1d)"
    )
    _shared(words)


def _add(ledger: Ledger, given: argparse.Namespace) -> int:
    """One of the three ways to add a key."""
    if given.signed is not None:
        if given.party is not None or given.did is not None:
            raise Invalid("got --signed with --party or --did; the file says both")
        added = co_signed.take(ledger, given.signed)
        return _told(given, added, f"key {added['key']} of {added['party']} is in force")
    if given.party is None:
        raise Invalid("got neither --party nor --signed")
    party = parties.find_party(ledger, given.party)
    if given.did is not None:
        value = parties.value_to_sign(ledger, party, given.did)
        if given.json or not _is_terminal():
            terminal.answer(value)
        else:
            co_signed.print_to_sign(value, given.dir)
        return 0
    did, drafts = _clerk(ledger).next_key(party)
    folder.say(ledger, *drafts)
    return _told(given, {"party": party, "key": did}, f"key {did} of {party} is in force, kept here")


def _rotate(ledger: Ledger, given: argparse.Namespace) -> int:
    """The next key of a party in place of the present one."""
    if (given.signed is None) == (given.party is None) or (given.did is not None and given.to_custody):
        raise Invalid("want --party, with --did or --to-custody or neither, or --signed alone")
    if given.signed is not None:
        if given.did is not None or given.to_custody:
            raise Invalid("got --signed with --did or --to-custody; the file says both")
        return _rotated(ledger, given, *co_signed.hand_over(ledger, _clerk(ledger), given.signed))
    party = parties.find_party(ledger, given.party)
    if given.did is not None or given.to_custody:
        value = _clerk(ledger).offer(party, given.did)
        if given.json or not _is_terminal():
            terminal.answer(value)
        else:
            co_signed.print_to_sign(value, given.dir, verb="rotate")
        return 0
    did, old, drafts = _clerk(ledger).rotation(party)
    folder.say(ledger, *drafts)
    return _rotated(ledger, given, party, did, [old])


def _rotated(ledger: Ledger, given: argparse.Namespace, party: str, did: str, old: list[str]) -> int:
    ledger.access.forget_revoked()
    made = {"party": party, "key": did, "retired": old}
    return _told(given, made, f"key {did} of {party} is in force; retired: {', '.join(old)}")


def _clerk(ledger: Ledger) -> Clerk:
    return Clerk(ledger, folder.now_us(), folder.new_uuid)


def _revoke(ledger: Ledger, given: argparse.Namespace) -> int:
    """Revoke a signing key, which the operator says in the ledger, or an API key, which is the service's affair."""
    if (given.did is None) == (given.api is None):
        raise Invalid("got both or neither of --did and --api; want one")
    if given.api is not None:
        if not ledger.access.revoke_api_key(given.api):
            raise Refused("got an API key id that is unknown or revoked; patina key list has them")
        return _told(given, {"api": given.api}, f"API key {given.api} is revoked")
    draft = _clerk(ledger).revocation(ledger.operator, given.did, given.reason, given.since)
    folder.say(ledger, draft)
    ledger.access.forget_revoked()
    party = ledger.view.parties.keys[given.did].party
    return _told(given, {"party": party, "key": given.did}, f"key {given.did} of {party} is revoked")


def _list(ledger: Ledger, given: argparse.Namespace) -> int:
    """Print signing keys and API keys, of one party or of all."""
    party = None if given.party is None else parties.find_party(ledger, given.party)
    kept = {one.did for one in ledger.access.party_keys(party)}
    signing: list[dict[str, Any]] = [
        {
            "key": did,
            "party": one.party,
            "custody": "ledger" if did in kept else one.custody,
            "added_at": one.added_at,
            "in_force": ledger.view.parties.in_force(did, one.party),
            "reason": one.reason,
            "since": one.since,
            "installed_by_operator": one.installed,
        }
        for did, one in ledger.view.parties.keys.items()
        if party in (None, one.party)
    ]
    api: list[dict[str, Any]] = [
        {
            "id": one.id,
            "party": one.party,
            "scopes": list(one.scopes),
            "label": one.label,
            "in_force": not one.ended(folder.now_us()),
            "expires_at": one.expires_at,
            "revoked_at": one.revoked_at,
            "last_used_at": one.last_used_at,
        }
        for one in ledger.access.api_keys(party)
    ]
    if given.json:
        terminal.answer({"keys": signing, "api_keys": api})
    else:
        print(_table(ledger, signing, api))
    return 0


def _table(ledger: Ledger, signing: list[dict[str, Any]], api: list[dict[str, Any]]) -> str:
    names = ledger.view.parties.parties
    rows: list[tuple[str, ...]] = [
        (one["key"], names[one["party"]].name, f"{one['custody']} custody", _state(one), "") for one in signing
    ]
    rows += [
        (f"API key {one['id']}", names[one["party"]].name, " ".join(one["scopes"]), _state(one), one["label"])
        for one in api
    ]
    return terminal.table(("key", "party", "", "", "label"), rows)


def _state(one: dict[str, Any]) -> str:
    if one["in_force"]:
        return "in force" + (f" until {one['expires_at']}" if one.get("expires_at") else "")
    if one.get("expires_at") and not one.get("revoked_at"):
        return "expired"
    since = f" since {one['since']}" if one.get("since") else ""
    return f"revoked{': ' + one['reason'] + since if one.get('reason') else ''}"


def _api(ledger: Ledger, given: argparse.Namespace) -> int:
    """Make an API key; only the operator's may administer."""
    party = parties.find_party(ledger, given.party)
    if given.scope == ADMIN and party != ledger.operator:
        raise Refused("got the scope admin for a party that is not the operator")
    ends = None if given.expires is None else folder.now_us() + given.expires
    secret = ledger.access.create_api_key(party, [given.scope], given.label, ends)
    made = {"party": party, "api_key": secret, "id": ledger.access.keys.id_of(secret)}
    return _told(given, made, _shown(made))


def _rotate_api(ledger: Ledger, given: argparse.Namespace) -> int:
    """Make the next key, and give the old one its end."""
    secret = ledger.access.keys.rotate(given.id, folder.now_us() + given.overlap)
    old = ledger.access.keys.get(given.id)
    assert old is not None, "it was rotated just now"
    made = {"party": old.party, "api_key": secret, "id": ledger.access.keys.id_of(secret)}
    text = f"{_shown(made)}\nthe old one, {old.id}, works until {old.expires_at}"
    return _told(given, {**made, "old": old.id, "until": old.expires_at}, text)


def _shown(made: dict[str, str]) -> str:
    """A new API key, and the id that it is listed, rotated and revoked by."""
    return f"API key  {made['api_key']} (shown only now)\nid       {made['id']}"


def _told(given: argparse.Namespace, value: dict[str, Any], text: str) -> int:
    if given.json:
        terminal.answer(value)
    else:
        print(text)
    return 0


def _is_terminal() -> bool:
    return os.isatty(1)
