"""Templates, compiled once, and the small store of pages that were made already.

A page depends on the item, the checkpoint, the hour (what waits comes into force by time), the language and the address
asked for, so those are its key; a new checkpoint makes a new page. The store is bounded by its number of pages. Making
one verifies every signature in the history, so it is made in a thread beside the event loop, and once for all who wait.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.catalogue import LANGUAGES, Catalogue, load_catalogue
from api.pages.modules import own_modules
from api.pages.styles import sent

HERE = Path(__file__).parent
KEPT = 512
"""Pages of some 20 kB: 10 MB."""
LEVEL = 6
"""Of gzip: half a millisecond for a page, and within a fiftieth of the smallest."""
MAKERS = 2
"""Threads that make pages: most of the work is verifying, which releases the interpreter lock."""
STATIC = {
    "patina.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class Pages:
    """The pages of one process."""

    def __init__(self) -> None:
        self.catalogues = {language: load_catalogue(language) for language in LANGUAGES}
        self.modules = own_modules()
        self._files = {name: _sent(HERE / "static" / name) for name in STATIC}
        self._packed = {name: pack(raw) for name, raw in self._files.items()}
        # A fragment of the content's hash makes an address that may be kept for ever.
        marks = {name: hashlib.sha256(raw).hexdigest()[:12] for name, raw in self._files.items()}
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(
            static={name: f"/static/{name}?{mark}" for name, mark in marks.items()},
            languages={language: words.text["language"] for language, words in self.catalogues.items()},
            modules=self.modules,
        )
        self._kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._making: dict[tuple[Any, ...], asyncio.Future[bytes | None]] = {}
        self._worker = ThreadPoolExecutor(MAKERS, "page")

    @property
    def words(self) -> Catalogue:
        """The words for programs, and for whoever asks for no language that is here."""
        return self.catalogues[LANGUAGES[0]]

    def render(self, template: str, language: str, **values: Any) -> bytes:
        """The HTML of a template in a language; in it ``t``, ``say`` and ``count`` are that language's texts."""
        words = self.catalogues[language]
        spoken = {"t": words.text, "say": words.say, "count": words.count, "words": words}
        return self._templates.get_template(template).render(**spoken, **values).encode()

    async def page(self, key: tuple[Any, ...], make: Callable[[], bytes | None]) -> bytes | None:
        """The page of this key, kept or made now; what ``make`` gives as ``None`` is not kept."""
        page = self._kept.get(key)
        if page is not None:
            self._kept.move_to_end(key)
            return page
        making = self._making.get(key)
        if making is None:
            making = asyncio.get_running_loop().run_in_executor(self._worker, make)
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key))
        # Shielded: one reader who leaves does not take the page from the others.
        page = await asyncio.shield(making)
        if page is not None:
            self._kept[key] = page
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return page

    def forget(self) -> None:
        """Make every page again: something changed that no checkpoint tells."""
        self._kept.clear()

    def close(self) -> None:
        """Wait for what is being made."""
        self._worker.shutdown()

    def static(self, name: str, *, packed: bool = False) -> tuple[bytes, str] | None:
        """A static file, in gzip if ``packed``, and its type."""
        files = self._packed if packed else self._files
        return (files[name], STATIC[name]) if name in STATIC else None


def _sent(file: Path) -> bytes:
    return sent(file) if file.suffix == ".css" else file.read_bytes()


def pack(raw: bytes) -> bytes:
    """The bytes in gzip, the same for the same bytes."""
    return gzip.compress(raw, LEVEL, mtime=0)
