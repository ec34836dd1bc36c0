"""Labels and cards: one code with the host and the short code beside it, at the size of a tag or of a bank card.

A sealed card has two sides: the view code, which may be seen, and the owner code, which belongs under a film.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.pages.cards import grouped
from api.paper.sheet import Code, Heading, Paper, Sheet, Text
from api.paper.slips import Desk
from ledger import holderkey, shortcode


def label(name: str, lead: str, path: str, desk: Desk) -> Paper:
    """A label or a card with the code of a thing or a case, whose page is at this path: a letter and the token."""
    sheet = (Heading(name), *((Text(lead),) if lead else ()), _view(path, desk))
    return Paper(name, desk.words.language, desk.medium, (sheet,))


def sealed(cards: Sequence[tuple[str, bytes]], desk: Desk) -> Paper:
    """Sealed cards, two sides each, of view tokens and owner secrets: the medium is a card."""
    text = desk.words.text
    sheets: list[Sheet] = []
    for token, secret in cards:
        typed = grouped(holderkey.format_typed(secret))
        owner = Code(f"{desk.address}/o#{holderkey.format_code(secret)}", (f"{desk.host}/o",), (typed,))
        sheets += [(Heading(text["card_view"]), _view(f"i/{token}", desk)), (Heading(text["card_owner"]), owner)]
    return Paper(text["card_title"], desk.words.language, desk.medium, tuple(sheets))


def _view(path: str, desk: Desk) -> Code:
    short = shortcode.short_of(path.partition("/")[2])
    return Code(f"{desk.address}/{path}", (f"{desk.host}/s/",), (short,))
