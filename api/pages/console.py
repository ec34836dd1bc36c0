"""The console's pages: shells in the reader's language, which the browser's script fills with the shop's own records.

A shell is the same for everybody and holds nothing about anybody, so it may be kept by the browser and opens without
a network; whoever opens it sees records only after she has come in, by the same routes as every program
(``docs/decisions/0025-console.md``). All files of the console share one mark, the hash of what they hold, in their
address: they may be kept for ever, and a new version is fetched at once. Scripts go out without their comments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.catalogue import LANGUAGES, load_catalogue
from api.pages.flows import CURRENCY_OF, FLOWS, FORMS, ROOMS, STEPS, spoken_by
from api.pages.joining import shortened
from api.pages.kept import Kept
from api.pages.styles import sent

HERE = Path(__file__).parent
LOCALES = HERE / "locales" / "console"
FOLDERS = (HERE / "static" / "console", HERE / "static" / "audit")
"""Of files that stand under one mark: the console's, and those of the auditor's pages (``api.pages.audit``)."""
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
WORKER = "worker.js"
FIRST = "console.css"
"""The style sheet of every page; the auditor's pages have another behind it."""
HISTORIES = ("item", "case", "handover")
"""Pages that show what others stated."""
COLUMNS = ("name", "category", "brand", "model", "gtin", "serial")
"""Of a table of things to be registered."""
PAGES = ("lists", "door", "find", "item", "case", "queue", "register", *(flow.name for flow in FLOWS))
"""The last part of each page's address, but of the first, which is the console's own."""


@dataclass(frozen=True, slots=True)
class Words:
    """The console's words in one language: texts, labels of fields, values, names of forms and of steps."""

    text: Mapping[str, str]
    field: Mapping[str, str]
    option: Mapping[str, str]
    form: Mapping[str, str]
    problem: Mapping[str, str]


@lru_cache(maxsize=8)
def load_words(language: str) -> Words:
    """The words of a language, read once."""
    return msgspec.json.decode((LOCALES / f"{language}.json").read_bytes(), type=Words)


class Console:
    """The shells and files of one process.

    ``roles`` says which types of statements each role may say; ``modules`` names the folder of those with which a
    tablet signs (``api.pages.modules``); ``reader`` is the address of what reads codes, and ``provider`` the host of
    who else vouches for people, each "" if there is none.
    """

    def __init__(
        self, roles: Mapping[str, Callable[[str], bool]], modules: str, reader: str = "", provider: str = ""
    ) -> None:
        self._reader, self._provider = reader, provider
        files = {path.name: _served(path) for folder in FOLDERS for path in sorted(folder.iterdir())}
        whole = b"".join(name.encode() + b"\0" + raw for name, raw in files.items())
        self.mark = hashlib.sha256(whole).hexdigest()[:12]
        self._files = {name: Kept.of(raw) for name, raw in files.items()}
        self._pages: dict[tuple[str, str], Kept] = {}
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates" / "console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._forms = {name: form.described() for name, form in FORMS.items()}
        self._roles, self._modules = spoken_by(roles), f"/static/{modules}/"

    def page(self, name: str, language: str, host: str) -> Kept | None:
        """The shell of a page, made once, or ``None`` for a name that is none."""
        if name not in PAGES:
            return None
        if (name, language) not in self._pages:
            self._pages[name, language] = Kept.of(self._made(name, language, host))
        return self._pages[name, language]

    def _made(self, name: str, language: str, host: str) -> bytes:
        words = load_words(language)
        rights = _rights(language) if name == "item" else {}
        names = [name] if name in FORMS else [form.name for form in STEPS] if name == "case" else []
        told: dict[str, Any] = {
            "words": _spoken(name, language),
            "forms": {one: self._forms[one] for one in names},
            "roles": self._roles,
            "flows": [flow.name for flow in FLOWS],
            "language": language,
            "host": host,
            "modules": self._modules,
            "rooms": ROOMS,
            "reader": self._reader,
            "currencies": CURRENCY_OF,
            **({"columns": _columns()} if name == "register" else {}),
            **({"rights": rights} if rights else {}),
            **({"speakers": _speakers(language)} if name in {"item", "case"} else {}),
        }
        values = {
            "name": name,
            "host": host,
            "language": language,
            "provider": self._provider,
            "languages": {one: load_words(one).text["language"] for one in LANGUAGES},
            "t": words.text,
            "words": words,
            "rights": rights,
            "flows": FLOWS,
            "form": FORMS.get(name),
            "forms": [FORMS[one] for one in names],
            "at": f"/console/files/{self.mark}",
            "told": msgspec.json.encode(told).decode(),
            "pages": PAGES,
        }
        template = "flow.html" if name in FORMS else f"{name}.html"
        return self._templates.get_template(template).render(**values).encode()

    def file(self, name: str) -> tuple[Kept, str] | None:
        """A file of the console and its type."""
        kept = self._files.get(name)
        return None if kept is None else (kept, TYPES[Path(name).suffix])


def _served(path: Path) -> bytes:
    """A file as it goes out: without comments and needless spaces, and the first style sheet with the tokens."""
    if path.suffix == ".css":
        return sent(path, first=path.name == FIRST)
    return shortened(path.read_text("utf-8")).encode()


def _spoken(page: str, language: str) -> dict[str, Mapping[str, Any]]:
    """The words that a page's script needs; values, and members and units of a history, as on customers' pages."""
    words, more = load_words(language), load_catalogue(language)
    spoken: dict[str, Mapping[str, Any]] = {part: getattr(words, part) for part in words.__slots__}
    spoken["option"] = {**more.word, **words.option}
    if page in HISTORIES:
        spoken["field"] = {**words.field, **more.member}
        spoken["unit"] = more.unit
    return spoken


def _rights(language: str) -> dict[str, str]:
    """The words that a customer reads of warranty and rights: the counter says the same."""
    text, names = load_catalogue(language).text, ("heading_rights", "warranty_none", "source_house")
    return {name: one for name, one in text.items() if name in names or name.startswith(("right_", "rule_"))}


def _speakers(language: str) -> dict[str, str]:
    """By whom a holder's statement is, by how the key is kept: as on the customer's page."""
    return {
        name: one for name, one in load_catalogue(language).text.items() if name.startswith(("by_holder_", "by_reset"))
    }


def _columns() -> dict[str, list[str]]:
    """What the columns of a table may be called: in small letters, in each of our languages and in the format's."""
    spoken = [load_words(one).field for one in LANGUAGES]
    return {name: sorted({name, *(words[name].lower() for words in spoken)}) for name in COLUMNS}
