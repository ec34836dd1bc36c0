"""``patina print``: papers as files, from a ledger's folder: a receipt or a slip, a label, a certificate or a report.

    patina print receipt --kind gift --item ID --party 'Corner Shop' --out gift.pdf --medium 80mm --dir var
    patina print receipt --kind intake --item ID --case ID --party 'Corner Shop' --out slip.escpos --dir var
    patina print label --item ID --out tag.png --dir var
    patina print record --statement ID --token CODE --out certificate.pdf --medium a4 --language zh-Hant --dir var

The end of the file's name says the format: .pdf, .png, .svg, or .escpos, the bytes of a thermal printer. A file that is
there is not written over. What is printed here has no private member, and no owner code: cards are drawn by ``patina
card``, and a till prints an owner code together with the receipt (docs/paper.md).
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from api.cli import folder, parties, terminal
from api.pages.catalogue import LANGUAGES, load_catalogue
from api.paper import press
from api.paper.labels import label
from api.paper.sheet import MEDIA, Code, Paper, dots_of
from api.paper.slips import Desk
from api.problems import Problem
from api.routes.papers import Known, receipt_of, record_of
from api.routes.printing import ROLLS, SHEETS, SMALL, code_of
from api.settings import read_settings
from api.site import Site
from ledger import shortcode, uri
from ledger.db.papers import KINDS
from ledger.errors import Invalid, Refused, Unavailable
from ledger.leaf import Entry, parse_leaf

_LABELS: Final = ("tag", "card", "view", "gift")
_MEDIA: Final = {"receipt": (*ROLLS, *SHEETS), "label": (*SMALL, *ROLLS), "record": (*SHEETS, *ROLLS)}


def main(argv: Sequence[str]) -> int:
    """Write the paper that the words after ``print`` ask for; 0."""
    words = terminal.parser(
        "print", "Write a paper to a file.", "patina print label --item ID --out tag.pdf --medium label --dir var"
    )
    verbs = words.add_subparsers(dest="verb", required=True, metavar="receipt|label|record")
    for verb, about in (
        ("receipt", "a receipt or a slip"),
        ("label", "a code"),
        ("record", "a certificate or a report"),
    ):
        _add(verbs.add_parser(verb, help=about, description=terminal.plain(__doc__)), verb)
    given = words.parse_args(argv)
    kind = given.out.suffix.removeprefix(".")
    medium = MEDIA[given.medium]
    if kind not in press.FORMATS or (kind == press.ESCPOS and not medium.is_roll):
        raise Invalid(
            f"got {given.out.name} on {medium.name}, want .pdf, .png, .svg, or .escpos on {' or '.join(ROLLS)}"
        )
    settings = read_settings(given.dir, os.environ)
    desk = Desk(settings.public_url, settings.host, load_catalogue(given.language), medium)
    dots_of(f"{desk.address}/i/{'A' * 22}", medium)
    make = {"receipt": _receipt, "label": _label, "record": _record}[given.verb]
    if given.out.exists():
        raise Refused(f"got {given.out}, which exists; papers are not written over others")
    paper = asyncio.run(_made(given, lambda site: make(site, desk, given)))
    try:
        with given.out.open("xb") as file:
            file.write(press.make(paper, kind))
    except OSError as error:
        raise Unavailable(f"cannot write {given.out}: {(error.strerror or str(error)).lower()}") from None
    if given.json:
        terminal.answer({"file": str(given.out), "title": paper.title, "sheets": len(paper.sheets)})
    else:
        print(f"{paper.title}: {given.out}")
    return 0


def _add(words: argparse.ArgumentParser, verb: str) -> None:
    words.formatter_class = argparse.RawDescriptionHelpFormatter
    if verb == "record":
        words.add_argument("--statement", required=True, metavar="ID", help="of a certificate or of a service")
        words.add_argument("--token", metavar="CODE", help="a view code of the item; else its GS1 Digital Link")
    else:
        words.add_argument("--item", required=True, metavar="ID", help="the item's id")
        words.add_argument("--party", metavar="P", help="whose paper it is, by id or name (default: the operator)")
    if verb == "receipt":
        words.add_argument("--kind", choices=list(KINDS), default="sale", help="which paper (%(default)s)")
        words.add_argument("--case", metavar="ID", help="the case of an intake or a hand-over")
    if verb == "label":
        words.add_argument(
            "--kind", choices=_LABELS, default=_LABELS[0], help="of which kind its code is (%(default)s)"
        )
    words.add_argument("--medium", choices=_MEDIA[verb], default=_MEDIA[verb][0], help="what it is for (%(default)s)")
    words.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the paper (%(default)s)")
    words.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write; must not exist")
    terminal.add_folder(words)
    terminal.add_json(words)
    folder.add_clock(words)


async def _made(given: argparse.Namespace, make: Callable[[Site], Paper]) -> Paper:
    """What ``make`` makes of the ledger in the folder; its problems of HTTP are refused here in words."""
    settings = read_settings(given.dir, os.environ)
    site = Site(settings, lambda: folder.open_here(given.dir, accept_clock=given.accept_clock), folder.now_us)
    await site.open()
    try:
        return make(site)
    except Problem as problem:
        raise Refused(problem.detail) from None
    finally:
        await site.close()


def _party(site: Site, given: argparse.Namespace) -> str:
    return site.ledger.operator if given.party is None else parties.find_party(site.ledger, given.party)


def _named(site: Site, item: str) -> tuple[str, str]:
    """The name and the category of an item; raises ``Refused`` for what is none."""
    state = site.ledger.reader.state(item) if uri.is_subject(item) else None
    if state is None or state.kind != "item":
        raise Refused(f"got {item[:80]!r}, which is no item of this ledger")
    return state.name, state.category


def _receipt(site: Site, desk: Desk, given: argparse.Namespace) -> Paper:
    _named(site, given.item)
    token, made = site.ledger.papers.create(given.kind, _party(site, given), [(given.item, given.case)])
    return receipt_of(site, desk, (token, made), [Known(line) for line in made.lines])


def _label(site: Site, desk: Desk, given: argparse.Namespace) -> Paper:
    name, category = _named(site, given.item)
    token = site.ledger.codes.create(given.item, given.kind, party=_party(site, given))
    return label(name or desk.words.text["unnamed"], desk.words.value(category), f"i/{token}", desk)


def _record(site: Site, desk: Desk, given: argparse.Namespace) -> Paper:
    found = site.ledger.reader.entry(given.statement)
    entry = None if found is None else parse_leaf(found[1])
    if not isinstance(entry, Entry):
        raise Refused("got a statement id that is not in this ledger")
    subject = entry.statement.subjects[0]
    return record_of(site, desk, (subject, given.statement), _code(site, desk, subject, given.token))


def _code(site: Site, desk: Desk, subject: str, token: str | None) -> Code:
    if token is None and subject.startswith(uri.HOST):
        path = subject.removeprefix(uri.HOST)
        return Code(desk.address + path, (desk.words.text["paper_scan"], desk.host + path))
    found = None if token is None else site.ledger.codes.find(token)
    if found is None or token is None or found.subject != subject:
        raise Invalid("want --token, a view code of the item")
    return code_of(desk, token, shortcode.short_of(token) if found.short else "")
