"""``patina card``: sealed cards drawn in bulk as one file to print; of their owner codes only public keys stay here.

    patina card make --count 100 --party 'Corner Workshop' --out cards.html --dir var
    patina card make --count 100 --out cards.pdf --dir var             for a card printer: two sides of a bank card each
    patina card make --items stock.txt --out cards.html --dir var        a card for each id in the file
    patina card make --items stock.txt --count 20 --out cards.html …     20 cards, each for whichever is sold with it

The file has what nobody else ever sees: print it, with the owner's half under a film, and destroy it. It is written
for its owner's eyes (mode 0600) and never over another. ``--json`` prints what a till may know: the view code of each
card and, for each item, the public key that `item.sold` names, with ``holder_custody`` ``sealed``; a till that scanned
a card's view code can ask for the same later (``GET /v1/codes``).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api.cli import folder, parties, terminal
from api.pages.cards import format_sheet
from api.pages.catalogue import LANGUAGES, load_catalogue
from api.paper import press
from api.paper.labels import sealed
from api.paper.sheet import CARD, LABEL, dots_of
from api.paper.slips import Desk
from api.settings import read_settings
from ledger import uri
from ledger.db.codes import Card
from ledger.db.ledger import Ledger
from ledger.db.reason import reason
from ledger.errors import Invalid, Refused, Unavailable

SEALED = "sealed"
MAX_CARDS = 10_000
MAX_KEYS = 200_000
"""Cards times the items of each: some 15 seconds of deriving."""
_PRIVATE = 0o600
_SUFFIXES = (".html", ".pdf")


def main(argv: Sequence[str]) -> int:
    """Do what the word after ``card`` says; 0."""
    words = terminal.parser(
        "card",
        "Draw sealed cards: a view code and, under a film, the owner code of one item each.",
        "patina card make --count 100 --out cards.html --dir var",
    )
    verbs = words.add_subparsers(dest="verb", required=True, metavar="make")
    about = "draw cards and write the file to print"
    _make_words(verbs.add_parser("make", help=about, description=terminal.plain(__doc__)))
    given = words.parse_args(argv)
    with folder.opened(given.dir, given) as ledger:
        return _make(ledger, given)


def _make_words(words: argparse.ArgumentParser) -> None:
    words.formatter_class = argparse.RawDescriptionHelpFormatter
    words.add_argument("--items", type=Path, metavar="FILE", help="the items' ids, one a line")
    words.add_argument("--count", type=int, metavar="N", help="how many cards; without --items each for a new item id")
    words.add_argument("--party", metavar="P", help="whose cards they are, by id or name (default: the operator)")
    words.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the cards (%(default)s)")
    words.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the HTML or PDF to print; must not exist"
    )
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)


def _make(ledger: Ledger, given: argparse.Namespace) -> int:
    """Draw the cards, write the sheet, and print what a till may know."""
    if given.out.suffix not in _SUFFIXES:
        raise Invalid(f"got {given.out.name}, want {' or '.join(_SUFFIXES)}")
    groups = _groups(given)
    party = ledger.operator if given.party is None else parties.find_party(ledger, given.party)
    address = read_settings(given.dir, os.environ).public_url
    # What cannot be printed is not drawn; half a card of the sheet has as much room for a code as a label.
    dots_of(f"{address}/o#{'A' * 22}", CARD if given.out.suffix == ".pdf" else LABEL)
    try:
        # Before anything is drawn: a file that is there may hold the only copy of other cards.
        descriptor = os.open(given.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except FileExistsError:
        raise Refused(f"got {given.out}, which exists; cards are not written over others") from None
    except OSError as error:
        raise Unavailable(f"cannot write {given.out}: {(error.strerror or str(error)).lower()}") from None
    with os.fdopen(descriptor, "wb") as file:
        try:
            cards = ledger.codes.draw(groups, kind="card", custody=SEALED, party=party)
            file.write(_sheet(cards, address, given))
            file.flush()
            os.fsync(descriptor)
        except BaseException:
            given.out.unlink()
            raise
    if given.json:
        terminal.answer({"file": str(given.out), "holder_custody": SEALED, "cards": list(map(public, cards))})
    else:
        print(f"{len(cards)} cards in {given.out}: print it, then destroy it; this ledger cannot show them again")
    return 0


def _sheet(cards: Sequence[Card], address: str, given: argparse.Namespace) -> bytes:
    """The file to print: by its end, a PDF of two sides a card, or HTML of ten cards a page."""
    words = load_catalogue(given.language)
    if given.out.suffix != ".pdf":
        return format_sheet(cards, address, words).encode()
    desk = Desk(address, urlsplit(address).netloc, words, CARD)
    return press.make(sealed([(card.token, card.secret) for card in cards], desk), press.PDF)


def public(card: Card) -> dict[str, Any]:
    """What may be known of a card: its id and view code and, for each item, the key that a sale names."""
    return {
        "code_id": card.id,
        "token": card.token,
        "short_code": card.short,
        "keys": [{"item": subject, "holder_key": did} for subject, did in card.keys.items()],
    }


def _groups(given: argparse.Namespace) -> list[Sequence[str]]:
    """For each card the items that it may come to belong to; raises ``Invalid``."""
    if given.count is not None and not 1 <= given.count <= MAX_CARDS:
        raise Invalid(f"got --count {given.count}, want 1 to {MAX_CARDS}")
    if given.items is None:
        if given.count is None:
            raise Invalid("got neither --items nor --count, want one or both")
        return [[folder.new_uuid(folder.now_us())] for _ in range(given.count)]
    items = _read_items(given.items)
    if given.count is None:
        return [[item] for item in items]
    if given.count * len(items) > MAX_KEYS:
        raise Invalid(f"got {given.count} cards for any of {len(items)} items, want a product of at most {MAX_KEYS}")
    return [items] * given.count


def _read_items(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"cannot read {path}: {reason(error)}") from None
    items = [line for line in lines if line]
    for number, item in enumerate(items, 1):
        if not uri.is_subject(item) or uri.subject_kind(item) == "authority":
            raise Invalid(f"got {item[:80]!r} as item {number} of {path}, want an id in canonical form")
    if not 1 <= len(items) <= MAX_CARDS or len(set(items)) != len(items):
        raise Invalid(f"got {len(items)} items in {path}, want 1 to {MAX_CARDS} different ones")
    return items
