"""Templates, compiled once, and the small store of pages that were made already.

A page depends on the item, the checkpoint, the hour (what waits comes into force by time) and the address asked for,
so those are its key; a new checkpoint makes a new page. The store is bounded by its number of pages.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.catalogue import Catalogue, load_catalogue

HERE = Path(__file__).parent
KEPT = 512
"""Pages of some 20 kB: 10 MB."""
STATIC = {"patina.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


class Pages:
    """The pages of one process."""

    def __init__(self, language: str = "en") -> None:
        self.words: Catalogue = load_catalogue(language)
        self._files = {name: (HERE / "static" / name).read_bytes() for name in STATIC}
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
            t=self.words.text,
            say=self.words.say,
            static={name: f"/static/{name}?{mark}" for name, mark in marks.items()},
        )
        self._kept: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    def render(self, template: str, **values: Any) -> bytes:
        """The HTML of a template."""
        return self._templates.get_template(template).render(**values).encode()

    def kept(self, key: tuple[Any, ...]) -> bytes | None:
        """A page that was made before."""
        page = self._kept.get(key)
        if page is not None:
            self._kept.move_to_end(key)
        return page

    def keep(self, key: tuple[Any, ...], page: bytes) -> bytes:
        """Keep a page, and let go of the one that was not asked for longest; return it."""
        self._kept[key] = page
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return page

    def static(self, name: str) -> tuple[bytes, str] | None:
        """A static file and its type."""
        return (self._files[name], STATIC[name]) if name in STATIC else None
