"""Style sheets as they are sent: after the tokens that all of them share, without what is for their readers alone.

Colours, fonts and sizes of type stand in ``static/tokens.css`` and nowhere else, so that a customer's page and the
console speak one language; a page fetches one sheet all the same.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TOKENS: Final = Path(__file__).parent / "static" / "tokens.css"
_UNSENT: Final = re.compile(r"/\*.*?\*/\n*|^ +", re.DOTALL | re.MULTILINE)
"""Comments and what stands before a line, a seventh of a sheet."""


def style(file: Path) -> bytes:
    """The sheet that begins with the tokens."""
    return _UNSENT.sub("", TOKENS.read_text("utf-8") + file.read_text("utf-8")).encode()
