"""``patina ledger-key``: the keys that sign the ledger's checkpoints, 1 to 4 at a time (format.md §5).

A further key signs beside those in force from the commit that adds it on, so that a reader who pinned either verifies
the same checkpoint. A key that stands on paper goes on signing as long as the ledger lives: it is retired only when it
was compromised or its algorithm is broken, and stays published.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from api.cli import folder, terminal
from api.signing_keys import Clerk
from ledger.db.ledger import Ledger
from ledger.errors import Refused

REASONS = ("compromised", "algorithm")
_ADD = (
    "Add a key that signs every checkpoint beside those in force, and print its vkey. Give it to readers by another "
    "way than this server, in good time before an old one is retired."
)
_RETIRE = (
    "End a ledger key for good. Whoever pinned it alone can verify nothing more of this ledger, whatever is printed on "
    "paper: retire a key only if it was compromised, or its algorithm is broken."
)


def main(argv: Sequence[str]) -> int:
    """Do what the word after ``ledger-key`` says; 0."""
    words = terminal.parser(
        "ledger-key",
        "Add, retire and list the keys that sign the ledger's checkpoints.",
        "patina ledger-key add --dir var",
    )
    verbs = words.add_subparsers(dest="verb", required=True, metavar="add|retire|list")
    shared = [
        verbs.add_parser("add", help="one more key, beside those in force", description=_ADD),
        retire := verbs.add_parser("retire", help="end a key for good", description=_RETIRE),
    ]
    retire.add_argument("--vkey", metavar="V", required=True, help="the key, as patina ledger-key list prints it")
    retire.add_argument("--reason", choices=REASONS, required=True)
    for one in shared:
        folder.add_clock(one)
    listing = verbs.add_parser("list", help="list all keys, also retired ones", description="List all ledger keys.")
    listing.set_defaults(accept_clock=False)
    for one in (*shared, listing):
        terminal.add_folder(one)
        terminal.add_json(one)
    given = words.parse_args(argv)
    with folder.opened(given.dir, given) as ledger:
        return {"add": _add, "retire": _retire, "list": _list}[given.verb](ledger, given)


def _add(ledger: Ledger, given: argparse.Namespace) -> int:
    """Make a key, or take one that an interrupted run made, and have the ledger name it."""
    known = ledger.reader.parties().vkeys
    waiting = [vkey for vkey in ledger.access.ledger_keys() if vkey not in known]
    # The key is kept before it is named: a ledger key that is named and lost would end the ledger.
    vkey = waiting[-1] if waiting else ledger.access.create_ledger_key()
    folder.say(ledger, _clerk(ledger).ledger_key("ledger.key_added", vkey, None))
    if given.json:
        terminal.answer({"vkey": vkey, "in_force": list(ledger.vkeys)})
        return 0
    print(f"vkey  {vkey}")
    print(f"signs from now on beside {len(ledger.vkeys) - 1} other; give it to readers by another way than this server")
    return 0


def _retire(ledger: Ledger, given: argparse.Namespace) -> int:
    if given.vkey not in ledger.reader.parties().vkeys:
        raise Refused("got a vkey that this ledger never had; patina ledger-key list has them")
    folder.say(ledger, _clerk(ledger).ledger_key("ledger.key_retired", given.vkey, given.reason))
    if given.json:
        terminal.answer({"vkey": given.vkey, "in_force": list(ledger.vkeys)})
    else:
        print(f"retired  {given.vkey}\nwhoever pinned it alone verifies nothing more: tell your readers")
    return 0


def _list(ledger: Ledger, given: argparse.Namespace) -> int:
    listed = ledger.reader.ledger_keys()
    if given.json:
        terminal.answer([one.value() for one in listed])
        return 0
    rows = [(one.vkey, one.state, one.added_at, one.retired_at or "") for one in listed]
    print(terminal.table(("vkey", "", "added", "retired"), rows))
    return 0


def _clerk(ledger: Ledger) -> Clerk:
    return Clerk(ledger, folder.now_us(), folder.new_uuid)
