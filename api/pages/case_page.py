"""The page of one case: its own steps out of an item's verified history, for whoever has the code of that case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from api.pages.acts import acts_of
from api.pages.catalogue import Catalogue
from api.pages.item_json import describe_remarks, describe_speaker
from api.pages.item_page import ItemPage
from api.pages.progress import Progress
from api.pages.story import Event


@dataclass(frozen=True, slots=True)
class CasePage:
    """What a code of a case opens: ``events`` are its records, newest first, of ``total`` in the history."""

    subject: str
    name: str
    case: str
    closed: bool
    events: tuple[Event, ...]
    count: int
    as_of: str
    as_of_at: str
    total: int
    vkeys: tuple[str, ...]
    holder: dict[str, Any] | None
    """The key that may speak for the holder now, and its grant: whoever signs needs to know both."""
    progress: Progress | None = None
    """How far the case has come."""
    disclosed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Private members that the code of the case opens, by statement, as they were verified."""
    private: Mapping[int, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """The same in words, by the record's index."""
    acts: Mapping[str, Any] = field(default_factory=dict)
    """What the holder may say next in it."""


def make_case(
    page: ItemPage, case: str, words: Catalogue, now: int, disclosed: Mapping[str, Mapping[str, Any]] | None = None
) -> CasePage:
    """The page of a case of this item; ``disclosed`` are private members of its statements, verified."""
    disclosed = disclosed or {}
    # A record whose private members are shown does not say that they are not; that some were removed, it still says.
    events = tuple(
        replace(event, marks=tuple(mark for mark in event.marks if mark != words.text["private"]))
        if event.statement in disclosed
        else event
        for event in page.events
        if event.case == case
    )
    found, progress = page.state.cases.get(case), next((one for one in page.cases if one.case == case), None)
    holding = page.state.held.holding
    holder = None
    if holding is not None:
        present = holding.present
        holder = {"key": present.key, "grant": present.entry, "custody": present.custody, "released": holding.released}
    return CasePage(
        subject=page.subject,
        name=page.name,
        case=case,
        closed=found is not None and found.closed,
        events=events,
        count=len(events),
        as_of=page.as_of,
        as_of_at=page.as_of_at,
        total=page.count,
        vkeys=page.vkeys,
        holder=holder,
        progress=progress,
        acts={} if progress is None else acts_of(page.told, page.state, [progress], now)[0],
        disclosed=disclosed,
        private={one.index: _in_words(disclosed[one.statement], words) for one in events if one.statement in disclosed},
    )


def _in_words(members: Mapping[str, Any], words: Catalogue) -> tuple[tuple[str, str], ...]:
    """Private members but the files, which are shown as such."""
    return tuple((words.label(name), words.fact(name, one)) for name, one in members.items() if name != "attachments")


def describe_case(page: CasePage) -> dict[str, Any]:
    """The same as JSON."""
    records = [
        {
            "index": event.index,
            "type": event.type,
            "statement": event.statement,
            "grant": event.grant,
            "occurred_at": event.happened_at,
            "recorded_at": event.recorded_at,
            "sentence": event.sentence,
            "by": describe_speaker(event.speaker),
            "remarks": describe_remarks(event.remarks),
            "private": page.disclosed.get(event.statement, {}),
        }
        for event in reversed(page.events)
    ]
    return {
        "id": page.subject,
        "name": page.name,
        "case": page.case,
        "closed": page.closed,
        "as_of": page.as_of_at,
        "holder": page.holder,
        "acts": page.acts,
        "records": records,
    }
