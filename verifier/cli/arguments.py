"""Arguments that several commands of the verifier take, and how they are read."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ledger import uri
from ledger.errors import Malformed, PatinaError, Unknown
from ledger.note import VKey, parse_vkey
from verifier.fetch import Address
from verifier.findings import Verdict
from verifier.folder import open_folder
from verifier.source import Source


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """An argument parser for ``patina COMMAND`` that keeps the line breaks of its texts, and ends with an example."""
    return argparse.ArgumentParser(
        prog=f"patina {command}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_vkey(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The keys that the reader pinned."""
    parser.add_argument(
        "--vkey",
        metavar="V",
        action="append",
        required=required,
        type=_vkey,
        help="a key of the ledger that you trust, from paper or from its operator; may be given again",
    )


def add_json(parser: argparse.ArgumentParser, help_text: str = "answer in JSON") -> None:
    """An answer for programs."""
    parser.add_argument("--json", action="store_true", help=help_text)


def _vkey(text: str) -> VKey:
    try:
        return parse_vkey(text)
    except PatinaError as error:
        raise argparse.ArgumentTypeError(error.message) from None


_SUBJECTS = (
    "subjects are urn:uuid:… of an item, https://id.gs1.org/01/…/21/… or https://id.gs1.org/8004/…, "
    "or a GS1 Digital Link of any host"
)


def subject(text: str) -> str:
    """A subject, given in its own spelling or as a GS1 Digital Link of any host."""
    try:
        uri.subject_kind(text)
    except PatinaError:
        try:
            return uri.from_digital_link(text)
        except PatinaError as error:
            raise argparse.ArgumentTypeError(f"{error.message}; {_SUBJECTS}") from None
    return text


def open_source(text: str, api_key_file: Path | None = None) -> Source:
    """The ledger in a folder or at an address; raises ``Unknown`` if there is none."""
    if "://" not in text:
        return open_folder(Path(text))
    headers = {}
    if api_key_file is not None:
        headers["Authorization"] = f"Bearer {api_key_file.read_text('ascii').strip()}"
    return Address(text, headers)


def read_file(path: Path, limit: int) -> bytes:
    """The content of a file (``-``: standard input), at most ``limit`` bytes; raises ``Malformed`` for more."""
    if str(path) == "-":
        raw = sys.stdin.buffer.read(limit + 1)
    else:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    if len(raw) > limit:
        raise Malformed(f"got more than {limit} bytes in {path}")
    return raw


def write_new(path: Path, raw: bytes, mode: int) -> None:
    """Write a file that must not exist yet, readable to ``mode``; raises ``Unknown`` if it does."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise Unknown(f"{path} exists and is not overwritten") from None
    with os.fdopen(file, "wb") as writer:
        writer.write(raw)


def show(verdict: Verdict, *, as_json: bool) -> int:
    """Print a verdict; returns its exit code."""
    print(verdict.json() if as_json else verdict.text())
    return verdict.exit_code
