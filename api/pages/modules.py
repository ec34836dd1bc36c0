"""The ES modules of the pages and the scripts made of them: an item's page checks itself, holders sign.

Each page fetches one script, the modules that it needs joined and without comments (``api.pages.joining``), made once
when a process starts. The modules stand beside it as they were written, for whoever reads them; the auditor's pages
import a few. All stand in one folder whose name is a fragment of the hash of them all: an address may be kept for
ever, and no browser mixes two versions. docs/verify.md says what the check shows.

Ed25519 and SHA-2 for browsers without them, and QR codes, are other people's packages, which ``make setup`` fetches if
it can; the former are a script of their own. Where they are absent a page has two of its three ways, and the console's
camera only where browsers read codes.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from api.pages.joining import joined, script_name, shortened

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
LIBRARY_ENTRY: Final = "library.js"
_NOTICES: Final = {
    "@noble": "/*! noble (c) Paul Miller (paulmillr.com), MIT License */\n",
    "qr": "/*! qr (c) Paul Miller (paulmillr.com), (c) ZXing authors, MIT License OR Apache-2.0 */\n",
}
_MADE: Final = "// Made of {} in this folder and of what that imports, as they were written: read those.\n"


class Modules:
    """The modules and scripts of one process, read and made once (``own_modules``).

    ``mark`` names their folder; ``library`` says whether the packages are there; ``entry`` is the address of the script
    that an item's page starts and ``source`` that of the module from which it was made; ``owner`` is the script of the
    page of the owner code. ``codes`` says whether QR codes can be read and drawn, and ``reader`` and ``drawer`` are the
    addresses of what does either, or "".
    """

    def __init__(self, packages: Path = PACKAGES) -> None:
        own = {file.name: file for at in (FOLDER, OWNER_FOLDER) for file in sorted(at.glob("*.js"))}
        library, codes = ({name: packages / path for name, path in one.items()} for one in (LIBRARY, CODES))
        self.library, self.codes = (all(file.is_file() for file in one.values()) for one in (library, codes))
        sources = {name: file.read_text("utf-8") for name, file in own.items()}
        if self.library:
            sources |= {name: _NOTICES["@noble"] + file.read_text("utf-8") for name, file in library.items()}
        else:
            del sources[LIBRARY_ENTRY]
        for entry in (ENTRY, OWNER_ENTRY, *([LIBRARY_ENTRY] if self.library else [])):
            notice = _NOTICES["@noble"] if entry == LIBRARY_ENTRY else ""
            sources[script_name(entry)] = notice + _MADE.format(entry) + joined(entry, sources)
        if self.codes:
            sources |= {name: _NOTICES["qr"] + shortened(file.read_text("utf-8")) for name, file in codes.items()}
        self.mark = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:12]
        self._sources = {name: source.encode() for name, source in sources.items()}
        self._zipped = {name: gzip.compress(source, mtime=0) for name, source in self._sources.items()}
        self.entry = self._address(script_name(ENTRY))
        self.owner = self._address(script_name(OWNER_ENTRY))
        self.source = self._address(ENTRY)
        self.reader, self.drawer = (self._address(name) if self.codes else "" for name in CODES)

    def read(self, mark: str, name: str, *, zipped: bool) -> bytes | None:
        """A file of the folder ``mark``, compressed by gzip if wanted; ``None`` if there is no such one."""
        return (self._zipped if zipped else self._sources).get(name) if mark == self.mark else None

    def _address(self, name: str) -> str:
        return f"/static/{self.mark}/{name}"


@cache
def own_modules() -> Modules:
    """Those of this process: the first site makes them, and any other has the same."""
    return Modules()
