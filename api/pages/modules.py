"""The ES modules of the pages, as they are served: an item's page checks itself (docs/verify.md), holders sign.

They import each other by relative names, so all stand in one folder whose name is a fragment of the hash of them all:
an address may be kept for ever, and no browser mixes two versions. Comments are for whoever reads the source: lines
that hold nothing else are not sent, and every test of the modules runs on what is sent.

Ed25519 and SHA-2 for browsers without them, and QR codes, are other people's packages, which ``make setup`` fetches if
it can. Where they are absent a page has two of its three ways, and the console's camera only where browsers read codes.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static" / "check"
OWNER_FOLDER: Final = FOLDER.parent / "owner"
"""Of the page of the owner code, where the holder's keys are: it imports some of the others."""
PACKAGES: Final = Path(__file__).parents[2] / "node_modules"
LIBRARY: Final = {
    "ed25519.js": "@noble/ed25519/index.js",
    "sha2.js": "@noble/hashes/sha2.js",
    "_md.js": "@noble/hashes/_md.js",
    "_u64.js": "@noble/hashes/_u64.js",
    "utils.js": "@noble/hashes/utils.js",
}
"""What is served as what; the last three are imported by the second, by these names."""
CODES: Final = {"decode.js": "qr/decode.js", "index.js": "qr/index.js"}
"""Reads QR codes, and draws them: fetched when somebody scans, or passes a thing on. The first imports the other."""
ENTRY: Final = "verify.js"
OWNER_ENTRY: Final = "owner.js"
APART: Final = frozenset({"receipt.js", "trust.js"})
"""For a page of a receipt and for a reader with a trust policy: not fetched by the page of an item."""
_COMMENT = re.compile(r"^ *(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
"""A whole line, or lines; those of a licence begin with ``/*!`` and stay."""

_NOTICES: Final = {
    "@noble": b"/*! noble (c) Paul Miller (paulmillr.com), MIT License */\n",
    "qr": b"/*! qr (c) Paul Miller (paulmillr.com), (c) ZXing authors, MIT License OR Apache-2.0 */\n",
}


class Modules:
    """The modules of one process, read once.

    ``mark`` names their folder; ``library`` says whether the packages are there; ``entry`` is the address of the one
    that an item's page starts, ``addresses`` are those of the others that it needs; ``owner`` is the one of the page of
    the owner code. ``codes`` says whether QR codes can be read and drawn, and ``reader`` and ``drawer`` are the
    addresses of what does either, or "".
    """

    def __init__(self, packages: Path = PACKAGES) -> None:
        own = {file.name: file for file in sorted(FOLDER.glob("*.js"))}
        owner = {file.name: file for file in sorted(OWNER_FOLDER.glob("*.js"))}
        library, codes = ({name: packages / path for name, path in one.items()} for one in (LIBRARY, CODES))
        self.library, self.codes = (all(file.is_file() for file in one.values()) for one in (library, codes))
        files = own | owner | (library if self.library else {}) | (codes if self.codes else {})
        sources = {name: _notice(name) + _without_comments(file) for name, file in files.items()}
        self.mark = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:12]
        self._sources = sources
        self._zipped = {name: gzip.compress(source, mtime=0) for name, source in sources.items()}
        self.entry = self._address(ENTRY)
        self.owner = self._address(OWNER_ENTRY)
        self.reader, self.drawer = (self._address(name) if self.codes else "" for name in CODES)
        self.addresses = [self._address(name) for name in own if name not in {ENTRY, *APART}]

    def read(self, mark: str, name: str, *, zipped: bool) -> bytes | None:
        """A module of the folder ``mark``, compressed by gzip if wanted; ``None`` if there is no such one."""
        return (self._zipped if zipped else self._sources).get(name) if mark == self.mark else None

    def _address(self, name: str) -> str:
        return f"/static/{self.mark}/{name}"


def _notice(name: str) -> bytes:
    """The licence that goes out with a package's file."""
    return _NOTICES.get((LIBRARY | CODES).get(name, "").partition("/")[0], b"")


def _without_comments(file: Path) -> bytes:
    return _COMMENT.sub("", file.read_text("utf-8")).encode()
