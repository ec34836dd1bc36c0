"""The page of a paper: what was sold, taken in, handed over or given, each thing with its state and its own page.

A line says of a thing what its own code opens at the moment: of one that has another holder now, its name and no more;
of one whose code was revoked, nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.pages.item_page import Badge, Banner, ItemPage
from api.pages.warranty import Warranty


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of a paper; ``path`` is its own page's, ``opened`` says whether that has the history."""

    name: str
    path: str
    opened: bool
    case_path: str | None = None
    subject: str = ""
    lead: str = ""
    banners: tuple[Banner, ...] = ()
    badge: Badge | None = None
    warranty: tuple[Warranty, ...] = ()

    @property
    def revoked(self) -> bool:
        """Whether the code of this thing alone was taken back."""
        return not self.path


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What a paper's code opens; ``count`` is the number of its things."""

    kind: str
    party: str
    day: str
    entries: tuple[Entry, ...]
    count: int


def entry_of(page: ItemPage, path: str, case_path: str | None, *, opened: bool) -> Entry:
    """A thing as its own page shows it, in a few words."""
    if not opened:
        return Entry(page.name, path, opened=False)
    return Entry(
        name=page.name,
        path=path,
        opened=True,
        case_path=case_path,
        subject=page.subject,
        lead=page.lead,
        banners=page.banners,
        badge=page.badge,
        warranty=page.warranty[:1],
    )


def describe_receipt(kind: str, created_at: str, party: str, entries: Sequence[Entry], address: str) -> dict[str, Any]:
    """The same for programs; ``address`` is the beginning of every address."""
    items = [
        {"name": one.name or None, "page": None if one.revoked else address + one.path, "opened": one.opened}
        | ({"id": one.subject, "state": [banner.title for banner in one.banners]} if one.opened else {})
        | ({"case_page": address + one.case_path} if one.case_path else {})
        for one in entries
    ]
    return {"kind": kind, "party": party, "created_at": created_at, "items": items}
