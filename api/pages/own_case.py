"""The page of a case that is about no item: a message to a party, for whoever has the code of that case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api.fold import Told, fold
from api.pages.case_page import CasePage
from api.pages.catalogue import Catalogue
from api.pages.story import Absence, Teller
from ledger.history import VerifiedHistory


def make_own_case(
    verified: VerifiedHistory,
    words: Catalogue,
    names: Mapping[str, str],
    *,
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
    holding = state.held.holding
    holder: dict[str, Any] | None = None
    if holding is not None:
        holder = {"key": holding.present.key, "grant": holding.present.entry, "custody": holding.present.custody}
    disclosed = verified.disclosed
    # What is shown does not say that it is not.
    events = tuple(
        replace(event, marks=tuple(mark for mark in event.marks if mark != words.text["private"]))
        if event.statement in disclosed
        else event
        for event in reversed(teller.events())
    )
    return CasePage(
        subject=verified.subject,
        name=words.say(
            "own_case", kind=words.value(opened.details["kind"]), party=names.get(about) or teller.party(about)
        ),
        case=verified.subject,
        closed=state.cases[verified.subject].closed,
        events=events,
        count=len(events),
        as_of=words.moment(verified.as_of),
        as_of_at=verified.as_of,
        holder=holder,
        disclosed=disclosed,
        private={
            event.index: tuple(
                (words.label(name), words.fact(name, value)) for name, value in disclosed[event.statement].items()
            )
            for event in events
            if event.statement in disclosed
        },
    )
