"""An item's page as JSON, for programs that follow the same address."""

from __future__ import annotations

from typing import Any

from api.pages.item_page import ItemPage
from api.pages.story import Absence
from api.state_json import describe_state

_PUBLIC = ("name", "category", "brand", "model", "state", "stolen", "lost", "recalled", "retired", "certificates")


def describe_absence(absence: Absence) -> dict[str, str]:
    """Why private members are not shown: ``not_shown`` to this reader, ``removed``, or to be removed later."""
    if absence.removed is None and absence.until is None:
        return {"state": "not_shown"}
    found = {"state": "kept_by_law" if absence.removed is None else "removed"}
    told = {"why": absence.removed, "at": absence.at, "until": absence.until}
    return found | {name: value for name, value in told.items() if value is not None}


def describe_page(page: ItemPage, public_url: str, token: str | None, now: int) -> dict[str, Any]:
    """The state of the item and how fresh it is; by a view code also its records and where its history bundle is."""
    state = describe_state(page.state, now) | {"name": page.name}
    document: dict[str, Any] = {"id": page.subject, "as_of": page.as_of_at, "size": page.size, "origin": page.origin}
    if page.below is not None:
        document["as_of_index"] = page.below
    if token is None:
        return document | {name: state[name] for name in _PUBLIC}
    records = [
        {
            "index": event.index,
            "type": event.type,
            "occurred_at": event.happened_at,
            "recorded_at": event.recorded_at,
            "sentence": event.sentence,
            **({} if event.private is None else {"private": describe_absence(event.private)}),
        }
        for event in reversed(page.events)
    ]
    return (
        document | state | {"history": f"{public_url}/i/{token}/history", "vkeys": list(page.vkeys), "records": records}
    )
