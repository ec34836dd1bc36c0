"""What the page of the owner code needs beside its texts: choices that a holder makes, as the format spells them.

A statement with private members has as many digests as its type can have (format.md §2); ``room`` tells the script how
many that is, so that a holder's statement tells no more than a shop's.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from api.pages.catalogue import Catalogue
from api.problems import KINDS
from ledger.private import MEMBERS, allowed

ISSUES: Final = ("quality", "misuse", "transport", "logistics", "slowness", "attitude", "terms", "other")
"""Of a complaint about a thing: those that a customer would choose."""
ASPECTS: Final = ("appearance", "function", "marking", "packaging", "documents")
RATINGS: Final = ("overall", "response", "quality", "attitude", "timeliness", "professionalism", "product")
REASONS: Final = ("not_so", "not_agreed", "not_me", "unlawful")
"""Why a record is contradicted."""
_DAYS: Final = ("due", "expires")
_WITH_PRIVATE: Final = ("case.opened", "case.approved", "case.declined", "case.evaluated", "statement.disputed")


def owner_values(words: Catalogue) -> dict[str, Any]:
    """The values of the page's template in a language."""
    room = {kind: len(allowed(kind)) for kind in _WITH_PRIVATE}
    return {
        "members": [(name, words.label(name)) for name in (*MEMBERS, *_DAYS)],
        "room": msgspec.json.encode(room).decode(),
        "issues": ISSUES,
        "aspects": ASPECTS,
        "ratings": RATINGS,
        "reasons": REASONS,
        "refusals": {kind: words.text[f"owner_problem_{kind}"] for kind in KINDS},
        "passing": [name for name in words.text if name.startswith("pass_on_")],
    }
