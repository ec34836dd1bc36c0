"""``patina erase``: destroy the private members of somebody, of an item or of statements, and say so in the log.

The same steps as `POST /v1/erasures`, by the operator. A server may be running beside: it goes on for a moment with the
epoch that it knows, so this command waits for it before the old epoch's key is deleted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from api import erasing
from api.cli import folder, parties, terminal
from api.erasing import Wanted
from ledger import private
from ledger.db import erase
from ledger.db.erasures import WHYS, Erasure
from ledger.db.ledger import Ledger
from ledger.errors import Invalid, Refused

PAUSE = 1.0
TRIES = 60
"""Seconds that readers and other processes are waited for; what is left, the service's own job goes on with."""
NOT_YET = 1


def main(argv: Sequence[str]) -> int:
    """Erase; 0 if nothing is left to do but what the law keeps back, 1 if something was in the way."""
    words = terminal.parser(
        "erase",
        "Destroy private members and the keys to them, and say so in the log with a signed data.erased. What the law\n"
        "keeps is kept until its time ends, and erased then. Exit code 1: readers or other processes were in the way.",
        "patina erase --statement urn:uuid:… --dir var\n  patina erase --resume --dir var",
    )
    words.add_argument("--person", metavar="UUID", help="everything that --party recorded under this pseudonym")
    words.add_argument("--party", metavar="P", help="its id or its name: whose records")
    words.add_argument("--item", metavar="ID", help="everything private about an item")
    words.add_argument("--statement", metavar="ID", action="append", default=[], help="of this statement; repeatable")
    classes = "only this class; files, those that are listed in public, go only if named; repeatable"
    words.add_argument("--class", dest="classes", action="append", choices=private.ERASABLE, help=classes)
    words.add_argument("--why", choices=WHYS, default="request", help="on whose word (default: %(default)s)")
    words.add_argument("--id", metavar="ID", help="only tell the state of this erasure")
    words.add_argument("--resume", action="store_true", help="only go on with what is due")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    with folder.opened(given.dir, given) as ledger:
        if given.id is not None:
            return _tell(given, _found(ledger, given.id))
        if given.resume:
            left = not carry_out(ledger)
            return _tell_resumed(given, left=left)
        found = erasing.ask(ledger, _wanted(ledger, given), ledger.operator, folder.now_us())
        left = not carry_out(ledger)
        _tell(given, _found(ledger, found.id))
        return NOT_YET if left else 0


def carry_out(ledger: Ledger, tries: int = TRIES) -> bool:
    """Take all steps that are due, waiting for others where need be; return whether nothing is left."""
    for number in range(tries):
        if erase.work(ledger, folder.now_us()):
            return True
        if number + 1 < tries:
            time.sleep(PAUSE)
    return False


def _wanted(ledger: Ledger, given: argparse.Namespace) -> Wanted:
    if sum((given.person is not None, given.item is not None, bool(given.statement))) != 1:
        raise Invalid("want one of --person, --item and --statement")
    return Wanted(
        why=given.why,
        party=None if given.party is None else parties.find_party(ledger, given.party),
        person=given.person,
        item=given.item,
        statements=tuple(given.statement),
        classes=tuple(given.classes or private.CLASSES),
    )


def _found(ledger: Ledger, erasure: str) -> Erasure:
    found = ledger.erasures.get(erasure)
    if found is None:
        raise Refused("got an id of no erasure")
    return found


def _tell(given: argparse.Namespace, found: Erasure) -> int:
    document: dict[str, Any] = erasing.describe(found, folder.now_us())
    if given.json:
        terminal.answer(document)
        return 0
    print(f"erasure {document['id']}: {document['state']}")
    for part in document["parts"]:
        until = f" by law until {part['until']}" if "until" in part else ""
        print(f"  {part['statement']} {part['class']}: {part['state']}{until}")
    for entry in document["entries"]:
        print(f"  said in the log by {entry}")
    return 0


def _tell_resumed(given: argparse.Namespace, *, left: bool) -> int:
    if given.json:
        terminal.answer({"done": not left})
    else:
        print("readers or other processes were in the way: try again" if left else "nothing is left to do")
    return NOT_YET if left else 0
