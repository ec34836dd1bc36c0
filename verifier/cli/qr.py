"""``patina qr``: make QR codes, and read them from pictures."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from ledger import uri
from ledger.errors import Invalid
from verifier import qr
from verifier.cli.arguments import add_json, add_vkey, parser, subject, write_new
from verifier.memory import Memory
from verifier.reader import Reader
from verifier.scan import check_address

_PUBLIC_URL = "PATINA_PUBLIC_URL"
_KINDS = (".svg", ".png")


def main(argv: Sequence[str]) -> int:
    """The exit code of ``patina qr`` with these words."""
    about = "Make QR codes of addresses, and read them from photographs and screenshots."
    made = parser("qr", about, 'patina qr read photo.jpg --check --vkey "$VKEY"')
    commands = made.add_subparsers(dest="command", metavar="make|read", required=True)
    _add_make(commands)
    _add_read(commands)
    options = made.parse_args(argv)
    return _make(options) if options.command == "make" else _read(options)


def _add_make(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    made = commands.add_parser(
        "make", help="make a code", description="Make a QR code of a text, or of an item's public page."
    )
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("text", metavar="TEXT", nargs="?", help="an address, or any other text")
    what.add_argument("--item", metavar="URI", type=subject, help="an item with a GS1 key")
    made.add_argument(
        "--url",
        metavar="URL",
        default=os.environ.get(_PUBLIC_URL),
        help=f"address of the site (default: {_PUBLIC_URL})",
    )
    made.add_argument(
        "--out", metavar="FILE", type=Path, help="a new file.svg or file.png (default: drawn in the terminal)"
    )
    made.add_argument(
        "--dots", metavar="N", type=int, default=qr.DOTS, help="pixels a module of a PNG, 4 to 32 (%(default)s)"
    )
    add_json(made, 'answer in JSON: {"text", "file"}, or {"text", "drawn"} without --out')


def _add_read(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    made = commands.add_parser(
        "read",
        help="read codes from a picture",
        description="Print what the QR codes of a picture say. With --check, fetch the history that the first address\n"
        "leads to and verify it: exit 0 proven, 1 disproved, 2 could not tell.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("picture", metavar="IMAGE", type=Path)
    made.add_argument("--check", action="store_true", help="verify the history of the item")
    add_vkey(made, required=False)
    made.add_argument("--state", metavar="FILE", type=Path, help="as for `patina verify`")
    add_json(made)


def _make(options: argparse.Namespace) -> int:
    text = options.text if options.item is None else _address(options.item, options.url)
    if options.out is None:
        drawn = qr.make_text(text)
        print(json.dumps({"text": text, "drawn": drawn}, ensure_ascii=False) if options.json else f"{drawn}\n{text}")
        return 0
    kind = options.out.suffix.lower()
    if kind not in _KINDS:
        raise Invalid(f"got the file name {options.out.name}, want one that ends in .svg or .png")
    picture = qr.make_svg(text) if kind == ".svg" else qr.make_png(text, options.dots)
    write_new(options.out, picture, 0o644)
    print(json.dumps({"text": text, "file": str(options.out)}, ensure_ascii=False) if options.json else text)
    return 0


def _address(item: str, url: str | None) -> str:
    """The address of an item's public page (GS1 Digital Link)."""
    if url is None:
        raise Invalid(f"want --url or {_PUBLIC_URL}: the address of the site that the code leads to")
    if not item.startswith(uri.HOST):
        raise Invalid("got an item without a GS1 key, which has no public address: give its page's address as TEXT")
    return url.rstrip("/") + item.removeprefix(uri.HOST)


def _read(options: argparse.Namespace) -> int:
    texts = qr.read(options.picture)
    if not texts:
        raise Invalid(f"got {options.picture}, in which no QR code was found")
    if not options.check:
        print(json.dumps({"codes": texts}, ensure_ascii=False) if options.json else "\n".join(texts))
        return 0
    if not options.vkey:
        raise Invalid("want --vkey with --check: without a key of the ledger nothing can be verified")
    address = next((text for text in texts if text.lower().startswith(("http://", "https://"))), None)
    if address is None:
        raise Invalid("got codes without an address")
    memory = Memory(options.state)
    reader = Reader(vkeys=tuple(options.vkey), now=time.time_ns() // 1000, memory=memory)
    verdict = check_address(address, reader)
    memory.save()
    if options.json:
        print(json.dumps({"codes": texts, **verdict.value()}, ensure_ascii=False, indent=2))
    else:
        print(f"{address}\n{verdict.text()}")
    return verdict.exit_code
