"""The page of a case that is about no item: a message to a party, for whoever has the code of that case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from api.fold import Told, fold
from api.pages.case_page import CasePage
from api.pages.catalogue import Catalogue
from api.pages.story import Absence, Event, Teller
from ledger.history import VerifiedHistory
from ledger.state import State


def make_own_case(
    verified: VerifiedHistory,
    words: Catalogue,
    names: Mapping[str, str],
    *,
    vkeys: Sequence[str],
    absences: Mapping[str, Absence] | None = None,
) -> CasePage | None:
    """The page of a case's own verified history; ``None`` if it is no case. ``names`` are those of the parties.

    The party that it is about need not have said anything in it yet, and then no history shows its name.
    """
    told = [
        Told(entry, leaf_hash.hex()) for entry, leaf_hash in zip(verified.entries, verified.leaf_hashes, strict=True)
    ]
    state = fold(verified.subject, told)
    if state is None or state.kind != "case":
        return None
    teller = Teller(words, verified.replay.parties, told, verified.doubts, absences)
    opened = told[0].entry.statement
    about = opened.subjects[1] if len(opened.subjects) > 1 else opened.party
    asked = {"kind": words.value(opened.details["kind"]), "party": names.get(about) or teller.party(about)}
    events = tuple(_shown(event, verified, words) for event in reversed(teller.events()))
    return CasePage(
        subject=verified.subject,
        name=words.say("own_case", **asked),
        case=verified.subject,
        closed=state.cases[verified.subject].closed,
        events=events,
        count=len(events),
        as_of=words.moment(verified.as_of),
        as_of_at=verified.as_of,
        total=len(told),
        vkeys=tuple(vkeys),
        holder=_holder(state),
        disclosed=verified.disclosed,
        private={
            event.index: _members(verified.disclosed[event.statement], words)
            for event in events
            if event.statement in verified.disclosed
        },
    )


def _shown(event: Event, verified: VerifiedHistory, words: Catalogue) -> Event:
    """A record; one whose private members are shown does not say that they are not."""
    if event.statement not in verified.disclosed:
        return event
    return replace(event, marks=tuple(mark for mark in event.marks if mark != words.text["private"]))


def _members(members: Mapping[str, Any], words: Catalogue) -> tuple[tuple[str, str], ...]:
    return tuple((words.label(name), words.fact(name, value)) for name, value in members.items())


def _holder(state: State) -> dict[str, Any] | None:
    """The key that may speak for whoever wrote, and its grant, where there is one."""
    holding = state.held.holding
    if holding is None:
        return None
    return {"key": holding.present.key, "grant": holding.present.entry, "custody": holding.present.custody}
