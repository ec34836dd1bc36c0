"""An item's page as JSON, for programs that follow the same address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.pages.acts import acts_of, awaits_answer
from api.pages.files_shown import FileShown
from api.pages.item_page import ItemPage
from api.pages.story import Absence, Remark, Speaker
from api.state_json import describe_doubt, describe_state

Files = Mapping[int, tuple[FileShown, ...]]
_PUBLIC = ("name", "category", "brand", "model", "state", "stolen", "lost", "recalled", "retired", "certificates")


def describe_absence(absence: Absence) -> dict[str, str]:
    """Why private members are not shown: ``not_shown`` to this reader, ``removed``, or to be removed later."""
    if absence.removed is None and absence.until is None:
        return {"state": "not_shown"}
    found = {"state": "kept_by_law" if absence.removed is None else "removed"}
    told = {"why": absence.removed, "at": absence.at, "until": absence.until}
    return found | {name: value for name, value in told.items() if value is not None}


def describe_page(page: ItemPage, public_url: str, token: str | None, now: int, files: Files) -> dict[str, Any]:
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
            "statement": event.statement,
            "grant": event.grant,
            "case": event.case,
            "sentence": event.sentence,
            "by": describe_speaker(event.speaker),
            "remarks": describe_remarks(event.remarks),
            "doubtful": describe_doubt(event.doubt),
            **_files(files.get(event.index, ()), f"{public_url}/i/{token}"),
            **({} if event.private is None else {"private": describe_absence(event.private)}),
        }
        for event in reversed(page.events)
    ]
    if state["holder"] is not None:
        state["holder"]["steps"] = [
            {name: getattr(step, name) for name in ("statement", "type", "recorded_at", "by", "custody")}
            for step in page.holder.steps
        ]
    acts = acts_of(page.told, page.state, page.cases, now)
    found = {one.case: act for one, act in zip(page.cases, acts, strict=True)}
    state["cases"] = [one | found.get(one["case"], {}) for one in state["cases"]]
    state["delivered"] = awaits_answer(page.told)
    return (
        document | state | {"history": f"{public_url}/i/{token}/history", "vkeys": list(page.vkeys), "records": records}
    )


def _files(files: Iterable[FileShown], address: str) -> dict[str, Any]:
    shown = [
        {"name": one.name, "sha256": one.sha256, "state": one.state}
        | ({"address": f"{address}/attachments/{one.sha256}"} if one.whole else {})
        for one in files
    ]
    return {"files": shown} if shown else {}


def describe_speaker(speaker: Speaker) -> dict[str, Any]:
    """Who says a record: the label, and a party, or a holder by how the key is kept and whether it came by reset."""
    if speaker.party is not None:
        return {"label": speaker.label, "party": speaker.party, "installed_by_operator": speaker.special}
    return {"label": speaker.label, "holder": speaker.custody, "by_reset": speaker.special}


def describe_remarks(remarks: Iterable[Remark]) -> list[dict[str, Any]]:
    """What later records say of this one, in words, and their indexes: corrections, retractions and disputes."""
    return [{"index": one.index, "text": one.text} for one in remarks]
