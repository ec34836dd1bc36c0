"""The page of an item, made from its history bundle after the server has checked it as any reader would.

The check (``ledger.history.check_history``) runs here on the bundle that the page offers for download, with the
ledger's own keys pinned; a bundle that fails is shown to nobody. What the page says of the check is what was checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.fold import Told, fold
from api.pages.answering import Answering, answering
from api.pages.catalogue import Catalogue
from api.pages.progress import Progress, progress_of
from api.pages.story import Absence, Certificate, Event, Teller
from ledger import times
from ledger.bundle import parse_history
from ledger.history import Asked, VerifiedHistory, check_history
from ledger.leaf import Entry
from ledger.note import parse_vkey
from ledger.state import State

_LEAD = ("category", "brand", "model")
"""What stands below the name."""


@dataclass(frozen=True, slots=True)
class Banner:
    """A state that nobody may overlook."""

    title: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Badge:
    """The state in one line, where no banner says more: what is open, or that nothing is reported."""

    title: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the item, as far as its keys say."""

    badge: str
    text: str
    tone: str
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """How one of the present holder's keys came to be: the statement that named it, when and by whom."""

    text: str
    statement: str
    type: str
    recorded_at: str
    by: str
    custody: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Everything that a template of an item needs, in words; ``below`` is set if an earlier state was asked for."""

    subject: str
    name: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    banners: tuple[Banner, ...]
    certificates: tuple[Certificate, ...]
    answering: Answering
    holder: Holder
    events: tuple[Event, ...]
    as_of: str
    as_of_at: str
    stale: bool
    witnessed: bool
    count: int
    size: int
    origin: str
    operator: str
    vkeys: tuple[str, ...]
    below: int | None
    below_when: str
    state: State
    cases: tuple[Progress, ...] = ()
    badge: Badge | None = None
    told: tuple[Told, ...] = ()


def verify(bundle: bytes, subject: str, vkeys: Sequence[str], now: int) -> VerifiedHistory:
    """What the bundle proves; raises ``Disproved`` or ``Malformed``."""
    asked = Asked(subject=subject, vkeys=tuple(parse_vkey(vkey) for vkey in vkeys), now=now)
    return check_history(parse_history(bundle), asked)


def make_page(
    verified: VerifiedHistory, words: Catalogue, vkeys: Sequence[str], now: int, below: int | None,
    *, absences: Mapping[str, Absence] | None = None,
) -> ItemPage | None:  # fmt: skip
    """The page of a verified history, of the entries below an index if one is given; ``None`` if there are none."""
    told, parties = tuple(_told(verified, below)), verified.replay.parties
    state = fold(verified.subject, told)
    if state is None or state.kind != "item":
        return None
    teller = Teller(words, parties, told, verified.doubts, absences)
    about, moment = _about(told), times.format_recorded(now)
    today = moment[:10]
    state.held = state.held.at(moment)
    banners, cases = tuple(_banners(state, words)), progress_of(told, words, teller.party, today)
    return ItemPage(
        subject=verified.subject,
        name=about.get("name") or words.text["unnamed"],
        lead=_lead(about, words),
        facts=teller.facts("item.registered", {name: one for name, one in about.items() if name not in _LEAD}),
        banners=banners,
        certificates=tuple(teller.certificates(today)),
        answering=answering(told, teller, words),
        holder=_holder(state, words, told, teller),
        events=tuple(_marked(event, state, words) for event in reversed(teller.events())),
        as_of=words.moment(verified.as_of),
        as_of_at=verified.as_of,
        stale=verified.stale,
        witnessed=verified.witnessed_at is not None,
        count=len(told),
        size=verified.checkpoint.size,
        origin=verified.checkpoint.origin,
        operator=teller.party(parties.operator),
        vkeys=tuple(vkeys),
        below=below,
        below_when=words.moment(told[-1].entry.recorded_at),
        state=state,
        cases=cases,
        badge=_badge(banners, cases, words),
        told=told,
    )


def _told(verified: VerifiedHistory, below: int | None) -> list[Told]:
    entries = zip(verified.entries, verified.leaf_hashes, strict=True)
    return [Told(entry, leaf_hash.hex()) for entry, leaf_hash in entries if below is None or entry.index < below]


def _about(told: Sequence[Told]) -> Mapping[str, Any]:
    """What was registered, as corrected since by whoever registered it."""
    first = told[0].entry.statement
    about = dict(first.details)
    for one in told:
        statement = one.entry.statement
        if statement.type == "statement.corrected" and statement.corrects == first.id:
            about |= statement.details.get("details", {})
    return about


def _lead(about: Mapping[str, Any], words: Catalogue) -> str:
    return " · ".join(words.value(about[name]) for name in _LEAD if about.get(name))


def _banners(state: State, words: Catalogue) -> list[Banner]:
    holds = {
        "stolen": state.stolen,
        "lost": state.lost and not state.stolen,
        "recalled": state.recalled,
        "retired": state.retired is not None,
    }
    tones = {"stolen": "bad", "lost": "bad", "recalled": "bad", "retired": "note"}
    banners = [
        Banner(words.text[f"banner_{name}"], words.text[f"banner_{name}_text"], tones[name])
        for name, on in holds.items()
        if on
    ]
    for waiting in state.held.pending:
        text = words.say("banner_waiting_text", when=words.moment(waiting.since))
        banners.append(Banner(words.text["banner_waiting"], text, "note"))
    return banners


def _badge(banners: Sequence[Banner], cases: Sequence[Progress], words: Catalogue) -> Badge | None:
    """What weighs most below the banners: what is open, or, where there is no banner either, that nothing is."""
    going = [case for case in cases if not case.closed]
    if going:
        due = going[0].due if len(going) == 1 else words.count("open_requests", len(going))
        tone = "note" if going[0].tone == "plain" else going[0].tone
        return Badge(going[0].summary, due, "bad" if going[0].overdue else tone)
    return None if banners else Badge(words.text["state_fine"], words.text["state_fine_text"], "good")


def _marked(event: Event, state: State, words: Catalogue) -> Event:
    """A record, marked if it is a claim or a reset that has no effect yet."""
    if event.statement not in [one.id for one in state.held.pending]:
        return event
    return replace(event, marks=(*event.marks, words.text["mark_waits"]))


def _holder(state: State, words: Catalogue, told: Sequence[Told], teller: Teller) -> Holder:
    holding = state.held.holding
    text = words.text
    if holding is None:
        return Holder(text["holder_none"], "", "plain")
    custody = holding.present.custody
    notes = []
    if holding.released:
        notes.append(text["holder_released"])
    if holding.reset_at is not None:
        notes.append(text["holder_reset"])
    tone = "good" if custody == "device" else "note"
    naming = {one.leaf_hash: one.entry for one in told}
    steps = [_step(naming[grant.entry], grant.custody, words, teller) for grant in holding.grants]
    return Holder(text[f"holder_{custody}"], text[f"holder_{custody}_text"], tone, tuple(notes), tuple(steps))


def _step(entry: Entry, custody: str, words: Catalogue, teller: Teller) -> Step:
    """One key of the holder's, as the page says when and by what the item was claimed (events.md §3)."""
    kind, by = entry.statement.type, teller.speaker(entry).label
    said = {"when": words.moment(entry.recorded_at), "who": teller.signed(entry.statement)}
    text = words.say(f"holder_step_{kind}", **said, custody=words.text[f"custody_{custody}"])
    return Step(text, entry.statement.id, kind, entry.recorded_at, by, custody)
