"""``patina standard``: the built-in standards, how customers read them, and the check of one's own document.

Nothing here touches a ledger: a standard is adopted by the statement ``standard.adopted``, whose details are the
document.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from api.cli import terminal
from ledger import canonical
from ledger.errors import Invalid
from ledger.explained import json_schema
from ledger.standard import adopt, combine
from ledger.standard_shape import DOCUMENT, MAX_DOCUMENT
from ledger.standard_words import words
from ledger.standards import NAMES, template

LANGUAGES: Final = {"en": "en", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant"}
# A document with as much white space as text is still read; a film by mistake is not.
MAX_FILE: Final = 4 * MAX_DOCUMENT


def main(argv: Sequence[str]) -> int:
    """Do what the word after ``standard`` says; 0."""
    given = _parser().parse_args(argv)
    return {"list": _list, "show": _show, "check": _check, "schema": _schema}[given.verb](given)


def _parser() -> argparse.ArgumentParser:
    parser = terminal.parser(
        "standard",
        "Show the built-in service standards, and check one of your own.",
        "patina standard show jewellery eu --words en\n  patina standard check ours.json --words zh-Hans\n"
        "  patina standard schema > standard.schema.json",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|check|schema")
    terminal.add_json(terminal.add_verb(verbs, "list", "list the built-in standards"))
    show = terminal.add_verb(verbs, "show", "print a built-in standard, or several as they are read together")
    show.add_argument("names", nargs="+", metavar="NAME", help=f"of {', '.join(NAMES)}, in the order of adoption")
    check = terminal.add_verb(verbs, "check", "check a document before it is adopted")
    check.add_argument("file", type=Path, metavar="FILE", help="a standard as JSON")
    schema = "print the JSON Schema of a standard, for an editor to complete and check by"
    terminal.add_json(terminal.add_verb(verbs, "schema", schema))
    for verb in (show, check):
        verb.add_argument("--words", choices=sorted(LANGUAGES), metavar="LANG", help="for customers, in %(choices)s")
        terminal.add_json(verb)
    return parser


def _list(given: argparse.Namespace) -> int:
    """The templates, a line each."""
    documents = [template(name) for name in NAMES]
    if given.json:
        listed = [{"standard": one["standard"], "version": one["version"], "name": one["name"]} for one in documents]
        terminal.answer({"standards": listed})
    else:
        rows = [(one["standard"], one["version"], one["name"]["en"]) for one in documents]
        print(terminal.table(("standard", "version", ""), rows))
    return 0


def _show(given: argparse.Namespace) -> int:
    """One document, or several combined, as JSON or in words."""
    documents = [template(name) for name in given.names]
    return _told(given, documents)


def _check(given: argparse.Namespace) -> int:
    """Whether a file is a standard; the errors say where it is not."""
    with given.file.open("rb") as file:
        raw = file.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise Invalid(f"got a file of more than {MAX_FILE} bytes, want a standard of at most {MAX_DOCUMENT}")
    document = canonical.decode_body(raw)
    standard = adopt(document)
    if given.json or given.words is not None:
        return _told(given, [document])
    ((name, version),) = standard.ids
    size = len(canonical.encode(document))
    print(f"{name} ({version}) is a standard of {len(standard.limits)} limits and {size} bytes; it can be adopted")
    return 0


def _schema(_: argparse.Namespace) -> int:
    """The schema of documents that can be adopted; what contradicts itself only the check finds."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A service standard"}
    terminal.answer(head | json_schema(DOCUMENT))
    return 0


def _told(given: argparse.Namespace, documents: list[dict[str, Any]]) -> int:
    standard = combine([adopt(one) for one in documents]) if len(documents) > 1 else adopt(documents[0])
    if given.words is None:
        terminal.answer(dict(standard.document))
        return 0
    text = words(standard, LANGUAGES[given.words])
    if given.json:
        terminal.answer({"language": given.words, "words": text})
    else:
        print(text)
    return 0
