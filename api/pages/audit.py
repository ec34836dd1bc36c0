"""The auditor's and operator's pages at ``/console/ledger``: shells in the reader's language, filled in the browser.

As the console's (``api.pages.console``), whose style sheet and small scripts they share, they are the same for
everybody and hold nothing about anybody. An auditor must not have to trust the server: what her browser can check by
itself (signatures, hashes, growth, one proof) it does, with the modules by which an item's page checks itself, and
each page says whose word a figure is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.catalogue import LANGUAGES
from api.pages.console import load_words
from api.pages.kept import Kept
from ledger.report_ask import DIMENSIONS
from ledger.reports.words import WORDS

SHARED = ("field_wrong", "may_follow", "answer_of_service")
"""Texts of the console that its scripts say on these pages, too."""
HERE = Path(__file__).parent
LOCALES = HERE / "locales" / "audit"
TABLES = ("parties", "keys", "people", "standards", "webhooks", "addresses", "erasures")
"""Pages that are one list."""
PAGES = ("health", "audit", "tree", "reports", "risks", *TABLES)
"""The last part of each page's address, but of the first, which is ``/console/ledger`` itself."""


class Words(msgspec.Struct, frozen=True):
    """The words of one language: texts, values, and kinds of problems."""

    text: Mapping[str, str]
    option: Mapping[str, str]


@lru_cache(maxsize=8)
def load_audit_words(language: str) -> Words:
    """The words of a language, read once."""
    return msgspec.json.decode((LOCALES / f"{language}.json").read_bytes(), type=Words)


class AuditPages:
    """The shells of one process; ``mark`` names the console's files, ``modules`` the folder of those that check."""

    def __init__(self, mark: str, modules: str) -> None:
        self._mark, self._modules = mark, modules
        self._pages: dict[tuple[str, str], Kept] = {}
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates" / "audit"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def page(self, name: str, language: str, *, host: str, origin: str) -> Kept | None:
        """The shell of a page, made once, or ``None`` for a name that is none; ``origin`` is our public address."""
        if name not in PAGES:
            return None
        if (name, language) not in self._pages:
            self._pages[name, language] = Kept.of(self._made(name, language, host, origin))
        return self._pages[name, language]

    def _made(self, name: str, language: str, host: str, origin: str) -> bytes:
        words = load_audit_words(language)
        console = load_words(language)
        wanted = {name: text for name, text in console.text.items() if name.startswith("want_") or name in SHARED}
        told = {
            "words": {
                "text": {**wanted, **words.text},
                "option": words.option,
                "form": console.form,
                "problem": console.problem,
            },
            "language": language,
            "modules": f"/static/{self._modules}/",
            "origin": origin,
        }
        values = {
            "name": name,
            "host": host,
            "origin": origin,
            "language": language,
            "languages": {one: load_words(one).text["language"] for one in LANGUAGES},
            "t": words.text,
            "option": words.option,
            "by": {one: WORDS[language][one] for one in DIMENSIONS},
            "at": f"/console/files/{self._mark}",
            "told": msgspec.json.encode(told).decode(),
            "pages": PAGES,
        }
        template = "table.html" if name in TABLES else f"{name}.html"
        return self._templates.get_template(template).render(**values).encode()
