"""The sheet of sealed cards: one HTML file that needs nothing from elsewhere, ten cards on a page of A4.

Each card has two halves: the view code, which may be seen, and the owner code, which belongs under a film. Both stand
as QR code and in letters, with the host's name, which is part of what a reader checks. The words are those of one
language of the catalogues.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from api.pages import qr
from api.pages.catalogue import Catalogue
from ledger import holderkey
from ledger.db.codes import Card

GROUP = 4
"""Characters between two gaps of a typed code: as many as one keeps in mind."""
_STYLE = """
@page { size: A4; margin: 10mm; }
body { margin: 0; font: 8pt/1.3 system-ui, sans-serif; color: #000; background: #fff; }
.sheet { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm; }
.card { display: grid; grid-template-columns: 1fr 1fr; height: 51mm; border: .2mm solid #000; break-inside: avoid; }
.half { padding: 2mm; overflow: hidden; }
.owner { border-left: .2mm dashed #000; }
.half svg { width: 27mm; height: 27mm; display: block; }
.code { font: 7.5pt/1.3 ui-monospace, monospace; overflow-wrap: anywhere; }
.small { font-size: 6pt; overflow-wrap: anywhere; }
""".strip()


def format_sheet(cards: Sequence[Card], public_url: str, words: Catalogue) -> str:
    """The HTML of a sheet; it holds the owners' secrets."""
    shown = "\n".join(_card(card, public_url, words) for card in cards)
    title = escape(words.text["card_title"])
    head = '<meta charset="utf-8"><meta name="robots" content="noindex">'
    return (
        f'<!doctype html>\n<html lang="{words.language}"><head>{head}<title>{title} ({len(cards)})</title>\n'
        f'<style>{_STYLE}</style></head>\n<body><div class="sheet">\n{shown}\n</div></body></html>\n'
    )


def grouped(typed: str) -> str:
    """A typed code in groups: gaps and hyphens are understood when it is typed."""
    return " ".join(typed[start : start + GROUP] for start in range(0, len(typed), GROUP))


def _card(card: Card, public_url: str, words: Catalogue) -> str:
    host = escape(urlsplit(public_url).netloc)
    view = qr.svg(f"{public_url}/i/{card.token}").decode()
    owner = qr.svg(f"{public_url}/o#{holderkey.format_code(card.secret)}").decode()
    typed = grouped(holderkey.format_typed(card.secret))
    item = escape(next(iter(card.keys))) if len(card.keys) == 1 else words.count("any_of", len(card.keys))
    see, only = escape(words.text["card_view"]), escape(words.text["card_owner"])
    return (
        f'<div class="card" id="{card.id}">'
        f'<div class="half">{view}<b>{see}</b><br>{host}<br>'
        f'/i/<span class="code">{card.token}</span><br>/s/<b>{card.short}</b><br>'
        f'<span class="small">{item}</span></div>'
        f'<div class="half owner">{owner}<b>{only}</b><br>{host}/o<br>'
        f'<span class="code">{typed}</span></div></div>'
    )
