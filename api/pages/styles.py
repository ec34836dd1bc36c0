"""Style sheets as they are sent: the tokens that all pages share before each, without what is for readers alone.

Colours, sizes of type and distances stand in ``static/tokens.css`` and nowhere else, so that a customer's page, the
console and the ledger's pages look like one thing; each still fetches a single sheet first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TOKENS: Final = Path(__file__).parent / "static" / "tokens.css"
_UNSENT: Final = re.compile(r"/\*.*?\*/\n*|^ +", re.DOTALL | re.MULTILINE)
"""Comments and what stands before a line, a seventh of a sheet."""


def sent(sheet: Path, *, first: bool = True) -> bytes:
    """A style sheet in UTF-8, with the tokens before it if it is the ``first`` of its page."""
    text = sheet.read_text("utf-8")
    return _UNSENT.sub("", TOKENS.read_text("utf-8") + text if first else text).encode()
