"""Risk signals: what in a log should be looked at, how urgently, and which entries caused it (standards.md, Reports).

A signal accuses nobody; it says which entries to read. ``Watch`` folds the entries of a log, oldest first, into counts
with their places; ``signals`` judges the newest 28 days against the 336 days before. Whether a rate jumped is judged
by an exact test (``ledger.chance``), adjusted for the number of tests made: *high* up to 0.001, *medium* up to 0.01,
*low* up to 0.05. What is no rate has the rule of its kind in ``docs/signals.md``.

The same entries and the same moment give the same signals. Times are those of recording, which nobody can choose.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Final

from ledger import chance, times
from ledger.course import RATINGS
from ledger.doubt import Doubt
from ledger.leaf import Entry, Statement
from ledger.times import DAY, MINUTE

RECENT: Final = 28 * DAY
BEFORE: Final = 336 * DAY
QUICK: Final = 5 * MINUTE
"""A paper key that is claimed this soon after it was named."""
LATE: Final = DAY
REPEAT: Final = 90 * DAY
"""The same fault of the same thing this soon after a repair (house)."""
LEVELS: Final = (("high", Decimal("0.001")), ("medium", Decimal("0.01")), ("low", Decimal("0.05")))
SEVERITY: Final = ("high", "medium", "low")
MAX_ENTRIES: Final = 500
"""Entries that a signal names; ``figures`` count all."""
SEVERAL: Final = 3
MANY: Final = 10
_PAPER: Final = ("receipt", "sealed")
_SHOPS: Final = frozenset(
    "case.responded case.assigned case.received case.diagnosed case.quoted case.decided case.scheduled".split()
)
"""What tells whose case one is that its holder has opened."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to look at: ``kind`` and ``severity``, whom it concerns, the ``entries`` and figures it rests on."""

    kind: str
    severity: str
    party: str
    entries: tuple[int, ...]
    figures: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Scan:
    """How often the page of one code was asked for, by day: ``counts`` ends with the day that is judged."""

    code: str
    subject: str
    day: str
    counts: tuple[int, ...]


@dataclass(slots=True)
class Track:
    """Entries of one kind, in the order of the log: when each was recorded, in µs, and its index."""

    at: array[int] = field(default_factory=lambda: array("q"))
    index: array[int] = field(default_factory=lambda: array("q"))

    def add(self, at: int, index: int) -> None:
        """Put an entry behind the others."""
        self.at.append(at)
        self.index.append(index)

    def after(self, since: int, until: int) -> list[int]:
        """The indexes of those recorded after ``since`` and not after ``until``."""
        return self.index[bisect_right(self.at, since) : bisect_right(self.at, until)].tolist()

    def count(self, since: int, until: int) -> int:
        """How many those are."""
        return bisect_right(self.at, until) - bisect_right(self.at, since)


@dataclass(slots=True)
class _Case:
    """What is remembered of a case: whose it is, once that is known, and what it asks for."""

    kind: str
    fault: str
    opened: tuple[int, int]
    party: str = ""


@dataclass(slots=True)
class Watch:
    """The fold: what signals are made of, of every party, after the entries so far."""

    tracks: dict[tuple[str, str], Track] = field(default_factory=dict)
    size: int = 0
    """The index after the last entry."""
    _cases: dict[str, _Case] = field(default_factory=dict)
    _named: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Of a paper key, by the leaf hash of the entry that named it: who named it, and when."""
    _waiting: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Claims and resets that may be refused: whose, and the entry."""
    _ratings: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    _certified: dict[tuple[str, str], int] = field(default_factory=dict)
    _repaired: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    _owners: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Entries that belong to another: the certificate to its revocation, the claim to its refusal."""

    def follow(self, entry: Entry, leaf_hash: str) -> None:
        """Fold the next entry in."""
        statement, at = entry.statement, times.parse_recorded(entry.recorded_at)
        self.size = entry.index + 1
        for signature in entry.signatures:
            self._add("signed", signature.key, at, entry.index)
        if statement.grant is None:
            self._add("said", statement.party, at, entry.index)
            if at - times.parse_occurred(statement.occurred_at) > LATE:
                self._add("late", statement.party, at, entry.index)
        if statement.details.get("holder_custody") in _PAPER:
            self._named[leaf_hash] = statement.party, at
        follow = self._FOLLOW.get(statement.type)
        if follow is not None:
            follow(self, statement, at, entry.index)
        if statement.case is not None and statement.type in _SHOPS and statement.grant is None:
            self._attribute(statement, at)

    def because(self, index: int) -> tuple[int, ...]:
        """An entry, after those that belong to it."""
        return (*self._owners.get(index, ()), index)

    def _add(self, kind: str, party: str, at: int, index: int) -> None:
        track = self.tracks.get((kind, party))
        if track is None:
            track = self.tracks[kind, party] = Track()
        track.add(at, index)

    def _sold(self, statement: Statement, at: int, index: int) -> None:
        self._add("served", statement.party, at, index)

    def _opened(self, statement: Statement, at: int, index: int) -> None:
        if statement.case is None or statement.case in self._cases:
            return
        details = statement.details
        case = _Case(details["kind"], details.get("fault", ""), (at, index))
        self._cases[statement.case] = case
        if len(statement.subjects) > 1:
            self._belongs(case, statement.subjects[1], at)
        elif statement.grant is None:
            self._belongs(case, statement.party, at)
        if case.kind == "repair" and case.fault:
            self._opened_again(statement.subjects[0], case, at, index)

    def _opened_again(self, item: str, case: _Case, at: int, index: int) -> None:
        party, done = self._repaired.get((item, case.fault), ("", 0))
        if party and at - done <= REPEAT:
            self._add("repeat", party, at, index)

    def _attribute(self, statement: Statement, at: int) -> None:
        case = self._cases.get(statement.case or "")
        if case is not None and not case.party:
            self._belongs(case, statement.party, at)

    def _belongs(self, case: _Case, party: str, at: int) -> None:
        """A case is this party's: told once it is known, with the entry that opened the case."""
        case.party = party
        kind = "complaint" if case.kind == "complaint" else "" if case.kind == "feedback" else "served"
        if kind:
            self._add(kind, party, at, case.opened[1])

    def _completed(self, statement: Statement, at: int, index: int) -> None:
        self._add("repair", statement.party, at, index)
        case = self._cases.get(statement.case or "")
        if case is not None and case.fault:
            self._repaired[statement.subjects[0], case.fault] = statement.party, at

    def _certifies(self, statement: Statement, _: int, index: int) -> None:
        self._certified[statement.subjects[0], statement.details["certificate_no"]] = index

    def _revokes(self, statement: Statement, at: int, index: int) -> None:
        certified = self._certified.get((statement.subjects[0], statement.details["certificate_no"]))
        if certified is not None:
            self._owners[index] = (certified,)
        self._add("revoked", statement.party, at, index)

    def _resets(self, statement: Statement, at: int, index: int) -> None:
        self._add("reset", statement.party, at, index)
        self._waiting[statement.id] = statement.party, index

    def _claims(self, statement: Statement, at: int, index: int) -> None:
        party, named = self._named.get(statement.grant or "", ("", 0))
        if not party:
            return
        self._waiting[statement.id] = party, index
        if at - named <= QUICK:
            self._add("quick", party, at, index)

    def _refuses(self, statement: Statement, at: int, index: int) -> None:
        party, refused = self._waiting.pop(statement.details["refused"], ("", 0))
        if party:
            self._owners[index] = (refused,)
            self._add("refused", party, at, index)

    def _surveys(self, statement: Statement, at: int, index: int) -> None:
        case = self._cases.get(statement.case or "")
        if case is not None and case.party and statement.details["asked"]:
            self._add("surveyed", case.party, at, index)

    def _rates(self, statement: Statement, _: int, index: int) -> None:
        case = self._cases.get(statement.case or "")
        if case is not None and case.party:
            self._ratings[statement.id] = case.party, {**statement.details, "index": index}

    def _corrects(self, statement: Statement, at: int, index: int) -> None:
        party, before = self._ratings.get(statement.corrects or "", ("", {}))
        after = statement.details.get("details", {})
        if any(after.get(name, 0) > before[name] for name in RATINGS if name in before):
            self._owners[index] = (before["index"],)
            self._add("raised", party, at, index)

    _FOLLOW: ClassVar = {
        "item.sold": _sold,
        "case.opened": _opened,
        "repair.completed": _completed,
        "authentication.certified": _certifies,
        "authentication.revoked": _revokes,
        "item.holder_reset": _resets,
        "item.claimed": _claims,
        "item.claim_refused": _refuses,
        "case.evaluated": _rates,
        "case.surveyed": _surveys,
        "statement.corrected": _corrects,
    }


def signals(
    watch: Watch, now: int, doubts: Mapping[str, Doubt], keys: Mapping[str, str], scans: Iterable[Scan] = ()
) -> list[Signal]:
    """What is to be looked at now (µs), the most urgent first.

    ``doubts`` are the doubtful keys (``ledger.doubt``) and ``keys`` whose each key is; ``scans`` the days of codes.
    """
    found = [*_rates_of(watch, now, list(scans)), *_counted(watch, now), *_doubtful(watch, doubts, keys)]
    return sorted(found, key=lambda one: (SEVERITY.index(one.severity), one.kind, one.party, one.entries))


_RATES: Final = (
    ("complaints_jumped", "complaint", "served", chance.more_often),
    ("repeat_repairs_jumped", "repeat", "repair", chance.more_often),
    ("late_recording_jumped", "late", "said", chance.larger_share),
)
"""A signal, what it counts, beside what, and the test. Only late statements are some of those beside them."""


def _rates_of(watch: Watch, now: int, scans: Sequence[Scan]) -> list[Signal]:
    """The rates that jumped, by party and by code, adjusted together."""
    drawn: list[tuple[Decimal, Signal]] = []
    since, first = now - RECENT, now - RECENT - BEFORE
    for kind, counted, among, test in _RATES:
        for (name, party), track in watch.tracks.items():
            exposed = watch.tracks.get((among, party))
            if name != counted or exposed is None:
                continue
            entries, before = track.after(since, now), track.count(first, since)
            recent, ever = exposed.count(since, now), exposed.count(first, now)
            figures: dict[str, int | str] = {"recent": len(entries), "of": recent}
            figures |= {"before": before, "of_before": ever - recent}
            p = test(len(entries), len(entries) + before, recent, ever)
            drawn.append((p, Signal(kind, "", party, tuple(entries[:MAX_ENTRIES]), figures)))
    for scan in scans:
        *days, today = scan.counts
        told: dict[str, int | str] = {"code": scan.code, "subject": scan.subject, "day": scan.day}
        told |= {"recent": today, "before": sum(days), "days_before": len(days)}
        p = chance.more_often(today, today + sum(days), 1, 1 + len(days))
        drawn.append((p, Signal("scans_implausible", "", "", (), told)))
    found = []
    for (p, signal), level in zip(drawn, chance.adjusted([p for p, _ in drawn]), strict=True):
        severity = next((name for name, most in LEVELS if level <= most), "")
        if severity:
            shown = {**signal.figures, "p": _text(p), "adjusted": _text(level)}
            found.append(Signal(signal.kind, severity, signal.party, signal.entries, shown))
    return found


def _text(p: Decimal) -> str:
    """A chance in three digits."""
    return f"{p:.2e}"


_COUNTED: Final = (
    ("certificates_revoked", "revoked", ("medium", SEVERAL, "high")),
    ("holders_reset", "reset", ("low", SEVERAL, "medium")),
    ("claims_refused", "refused", ("high", 1, "high")),
    ("claims_quick", "quick", ("low", MANY, "medium")),
    ("ratings_raised", "raised", ("low", SEVERAL, "medium")),
)
"""A signal, what it counts, and how severe one of it is, and so many."""


def _counted(watch: Watch, now: int) -> list[Signal]:
    """What is a signal whenever it happens."""
    found = []
    for kind, counted, (one, many, severe) in _COUNTED:
        for (name, party), track in watch.tracks.items():
            entries = track.after(now - RECENT, now) if name == counted else []
            if entries:
                because = [index for entry in entries for index in watch.because(entry)]
                severity = severe if len(entries) >= many else one
                figures: dict[str, int | str] = {"recent": len(entries)}
                found.append(Signal(kind, severity, party, tuple(because[:MAX_ENTRIES]), figures))
    return found


def _doubtful(watch: Watch, doubts: Mapping[str, Doubt], keys: Mapping[str, str]) -> list[Signal]:
    """Keys that were in other hands: the entry that says so, and what they said from then on. Never too old to tell."""
    found = []
    for did, doubt in doubts.items():
        track = watch.tracks.get(("signed", did), Track())
        entries = track.after(times.parse_recorded(doubt.since) - 1, times.parse_recorded("9999-12-31T23:59:59.999Z"))
        told = () if doubt.told is None else (doubt.told,)
        figures: dict[str, int | str] = {"doubtful": len(entries), "key": did, "since": doubt.since}
        severity = "high" if entries else "medium"
        found.append(Signal("key_compromised", severity, keys.get(did, ""), (*told, *entries[:MAX_ENTRIES]), figures))
    return found
