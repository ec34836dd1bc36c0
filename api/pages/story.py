"""An item's verified history as a page tells it: each record a sentence, certificates, who answers, who holds it.

Everything is drawn from entries that ``ledger.history`` has verified, and nothing is added to what they say. A
correction stands beside what it corrects, a revoked certificate stays in sight, and what a holder said is marked by
how the holder's key is kept: whoever made or saw a receipt has its code, too (events.md §3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.fold import Told
from api.pages.catalogue import Catalogue, fill
from ledger.doubt import Doubt
from ledger.identity import changed_at
from ledger.leaf import Entry, Statement
from ledger.party import Parties

_QUIET = frozenset({"holder_key", "holder_custody", "on_behalf", "details", "corrects"})
"""Members that are not listed as facts: keys nobody can read, and what the page says in words."""
_SAID = {
    "item.registered": {"name"},
    "authentication.certified": {"result"},
    "case.opened": {"kind"},
    "case.waiting": {"for"},
    "case.decided": {"decision"},
    "case.settled": {"what"},
    "case.closed": {"outcome"},
    "case.evaluated": {"overall"},
    "repair.part_replaced": {"part"},
    "warranty.granted": {"months"},
    "certificate.recorded": {"issuer_name"},
    "statement.disputed": {"disputes"},
}
"""Members that the sentence of a type has said already."""
_GOOD = frozenset(
    "authentication.certified repair.completed case.accepted item.accepted item.recovered case.handed_over "
    "maintenance.performed item.recall_closed item.reinstated warranty.granted".split()
)
_BAD = frozenset(
    "item.reported_stolen item.reported_lost item.recalled repair.failed authentication.revoked item.refused "
    "case.refused item.retired".split()
)
_NOTE = frozenset(
    "statement.corrected statement.retracted statement.disputed item.holder_reset item.claim_refused "
    "data.erased".split()
)
_DOUBTS = {"compromised": "doubtful_compromised", "lost": "doubtful_lost", "retired": "doubtful_retired"}


@dataclass(frozen=True, slots=True)
class Absence:
    """Why private members of a statement are not there: removed ``why`` and when, or asked for and kept ``until``."""

    removed: str | None = None
    at: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """What a later record says of this one: ``tone`` ``note`` or ``bad``, and the members that now hold instead."""

    text: str
    tone: str
    index: int
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says a record: ``label`` in words, and either a ``party`` or a holder by the ``custody`` of the key.

    ``special`` is set where the key came by a reset, or was installed by the operator for the party.
    """

    label: str
    party: str | None = None
    custody: str | None = None
    special: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One record of the time line."""

    index: int
    type: str
    sentence: str
    tone: str
    happened: str
    happened_at: str
    recorded: str
    recorded_at: str
    signed: str
    facts: tuple[tuple[str, str], ...]
    marks: tuple[str, ...]
    speaker: Speaker
    statement: str
    grant: str | None = None
    case: str | None = None
    doubt: Doubt | None = None
    private: Absence | None = None
    remarks: tuple[Remark, ...] = ()
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, or the record of an outside laboratory's paper; ``tone`` is how it stands."""

    title: str
    number: str
    by: str
    tone: str
    standing: str
    signed: bool
    facts: tuple[tuple[str, str], ...]
    index: int
    notes: tuple[str, ...] = ()
    statement: str = ""


class Teller:
    """Tells the entries of one subject; ``parties`` is the fold of what the history shows."""

    def __init__(
        self,
        words: Catalogue,
        parties: Parties,
        told: Sequence[Told],
        doubts: Mapping[int, Doubt] | None = None,
        absences: Mapping[str, Absence] | None = None,
    ) -> None:
        self._absences = absences or {}
        self._words = words
        self._parties = parties
        self._told = told
        self._doubts = doubts or {}
        self._changed = changed_at([(one.entry, one.leaf_hash) for one in told])
        self._by_id = {one.entry.statement.id: one.entry for one in told}
        self._named = {one.leaf_hash: one.entry.statement for one in told}

    def party(self, party: str) -> str:
        """The name of a registered party."""
        found = self._parties.parties.get(party)
        name = found.name if found is not None else ""
        return name or self._words.text["who_unknown"]

    def who(self, statement: Statement) -> str:
        """Who says a statement, in words."""
        if statement.grant is None:
            return self.party(statement.party)
        return self._words.text[f"who_holder_{self._custody(statement)}"]

    def signed(self, statement: Statement) -> str:
        """By whose key a statement is signed."""
        if statement.grant is None:
            return self.party(statement.party)
        return self._words.text[f"signed_holder_{self._custody(statement)}"]

    def speaker(self, entry: Entry) -> Speaker:
        """Who says an entry, and how the key that says it came to be: the label that stands wherever it is shown."""
        statement = entry.statement
        if statement.grant is None:
            return Speaker(self.party(statement.party), party=statement.party, special=self._installed(entry))
        named = self._named.get(statement.grant)
        reset = named is not None and named.type == "item.holder_reset"
        label = self._words.text[f"by_holder_{self._custody(statement)}"]
        return Speaker(label, custody=self._custody(statement), special=reset)

    def _custody(self, statement: Statement) -> str:
        """How the key that signs a holder's statement is kept; of a key that no entry here names, the least is said."""
        named = self._named.get(statement.grant or "")
        return "receipt" if named is None else str(named.details.get("holder_custody", "receipt"))

    def _installed(self, entry: Entry) -> bool:
        return any(getattr(self._parties.keys.get(one.key), "installed", False) for one in entry.signatures)

    def events(self) -> list[Event]:
        """The time line, oldest first; a record that was corrected, taken back or disputed says so itself."""
        remarks: dict[str, list[Remark]] = {}
        struck = set()
        for one in self._told:
            statement = one.entry.statement
            target = statement.corrects or statement.details.get("disputes")
            if target in self._by_id:
                remarks.setdefault(target, []).append(self._remark(one.entry))
                if statement.type == "statement.retracted":
                    struck.add(target)
        return [
            replace(
                event, remarks=tuple(remarks.get(one.entry.statement.id, ())), struck=one.entry.statement.id in struck
            )
            for one, event in ((one, self._event(one.entry)) for one in self._told)
        ]

    def certificates(self, today: str) -> list[Certificate]:
        """Certificates and recorded papers, newest first; ``today`` is a day, YYYY-MM-DD."""
        found: list[Certificate] = []
        for one in self._told:
            statement = one.entry.statement
            if statement.type == "authentication.certified":
                found.append(self._certificate(one.entry, today))
            elif statement.type == "certificate.recorded":
                found.append(self._paper(one.entry))
        return found[::-1]

    def facts(self, kind: str, details: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """Members of details as labels and values, but for what the sentence says."""
        said = _QUIET | _SAID.get(kind, set())
        rows = ((name, value) for name, value in details.items() if name not in said and value not in ([], {}))
        return tuple((self._words.label(name), self._value(name, value)) for name, value in rows)

    def about_keys(self, entry: Entry) -> str:
        """What is said of whoever signed an entry: that the operator installed its key, that it is suspended."""
        found = self._parties.parties.get(entry.statement.party)
        notes = {"installed_key": self._installed(entry), "suspended": found is not None and found.suspended}
        return self._words.text["list_and"].join(self._words.text[name] for name, holds in notes.items() if holds)

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, str) and value.startswith("urn:uuid:"):
            entry = self._by_id.get(value)
            if entry is not None:
                return self._words.day(entry.statement.occurred_at)
            return self.party(value) if self._parties.known(value) else value
        return self._words.fact(name, value)

    def _event(self, entry: Entry) -> Event:
        statement, words = entry.statement, self._words
        values = {name: words.fact(name, value) for name, value in statement.details.items()}
        pattern = words.sentence.get(statement.type) or words.sentence[""]
        tone = _tone(statement)
        return Event(
            index=entry.index,
            type=statement.type,
            sentence=fill(pattern, {**values, "who": self.who(statement), "type": statement.type}),
            tone=tone,
            happened=words.moment(statement.occurred_at),
            happened_at=statement.occurred_at,
            recorded=words.moment(entry.recorded_at),
            recorded_at=entry.recorded_at,
            signed=words.say("signed_by", who=self.signed(statement)),
            facts=self.facts(statement.type, statement.details),
            marks=tuple(self._marks(entry)),
            speaker=self.speaker(entry),
            statement=statement.id,
            grant=statement.grant,
            case=statement.case,
            doubt=self._doubts.get(entry.index),
            private=self._absences.get(statement.id, Absence()) if statement.sd else None,
        )

    def _marks(self, entry: Entry) -> Iterable[str]:
        statement, text = entry.statement, self._words.text
        if statement.corrects in self._by_id:
            day = self._words.day(self._by_id[statement.corrects].statement.occurred_at)
            yield self._words.say("corrects", when=day)
        if statement.details.get("on_behalf"):
            yield text["on_behalf"]
        if self.speaker(entry).special:
            yield text["by_installed" if statement.grant is None else "by_reset"]
        yield from self._doubt(entry)
        yield from self._absent(statement)

    def _absent(self, statement: Statement) -> Iterable[str]:
        """What is said of private members, which no page shows: that there are some, or that they were removed.

        That a public file is to be removed is said alike; that it was, each file says itself.
        """
        words, absence = self._words, self._absences.get(statement.id, Absence())
        if statement.sd and absence.removed is None and absence.until is None:
            yield words.text["private"]
        if statement.sd and absence.removed is not None and absence.at is not None:
            yield words.say(f"removed_{absence.removed}", when=words.day(absence.at))
        if absence.until is not None:
            yield words.say("kept_until", when=words.day(absence.until))

    def _doubt(self, entry: Entry) -> tuple[str, ...]:
        """Why a record is doubtful, if it is: whose key was in wrong hands, and since when."""
        doubt = self._doubts.get(entry.index)
        if doubt is None:
            return ()
        cause = self._parties.keys[doubt.cause]
        name = "doubtful_vouched" if doubt.vouched else _DOUBTS[doubt.reason]
        return (self._words.say(name, since=self._words.moment(doubt.since), who=self.party(cause.party)),)

    def _remark(self, entry: Entry) -> Remark:
        statement = entry.statement
        kind = {"statement.corrected": "corrected", "statement.retracted": "retracted"}.get(statement.type, "disputed")
        reason = self._words.value(statement.details.get("reason", ""))
        text = self._words.say(kind, who=self.signed(statement), reason=reason)
        now_reads = statement.details.get("details", {})
        return Remark(text, "bad" if kind == "retracted" else "note", entry.index, self.facts("", now_reads))

    def _certificate(self, entry: Entry, today: str) -> Certificate:
        statement, words = entry.statement, self._words
        details = statement.details
        revoked = any(
            later.type == "authentication.revoked"
            and later.party == statement.party
            and later.details["certificate_no"] == details["certificate_no"]
            for later in self._after(entry)
        )
        until = details.get("valid_until")
        retracted = any(
            one.type == "statement.retracted" and one.corrects == statement.id for one in self._after(entry)
        )
        tone, standing = "good", words.text["cert_standing"]
        if revoked or retracted:
            tone, standing = "bad", words.text["cert_revoked"]
        elif until is not None and until[:10] < today:
            tone, standing = "note", words.say("cert_expired", when=words.day(until))
        elif details["result"] != "authentic":
            tone = "bad" if details["result"] == "not_authentic" else "note"
        doubt = self._doubt(entry)
        if doubt and tone == "good":
            tone = "note"
        names = ("methods", "standard", "grades", "valid_until")
        shown: dict[str, Any] = {name: details[name] for name in names if name in details}
        changed = any(index > entry.index for index in self._changed)
        return Certificate(
            title=words.text[f"cert_{details['result']}"],
            number=details["certificate_no"],
            by=self.party(statement.party),
            tone=tone,
            standing=standing,
            signed=True,
            facts=self.facts("", shown),
            index=entry.index,
            notes=(*doubt, words.text["cert_before_change"]) if changed else doubt,
            statement=statement.id,
        )

    def _paper(self, entry: Entry) -> Certificate:
        statement, words = entry.statement, self._words
        details = statement.details
        shown: dict[str, Any] = {name: details[name] for name in ("grades", "url") if name in details}
        return Certificate(
            title=details["issuer_name"],
            number=details["certificate_no"],
            by=words.say("cert_outside", who=self.who(statement)),
            tone="plain",
            standing="",
            signed=False,
            facts=self.facts("", shown),
            index=entry.index,
        )

    def _after(self, entry: Entry) -> Iterable[Statement]:
        return (one.entry.statement for one in self._told if one.entry.index > entry.index)


def _tone(statement: Statement) -> str:
    kind = statement.type
    if kind == "authentication.certified" and statement.details.get("result") != "authentic":
        return "bad"
    return "good" if kind in _GOOD else "bad" if kind in _BAD else "note" if kind in _NOTE else "plain"
