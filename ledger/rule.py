"""Who may say what, and what it changes: the one pair of functions that append, history and audit call.

``judge`` decides whether an entry may stand at its index, by the state before it: its time, the ledger it was
written for, the kind and number of its subjects, who signed it in whose name, and what the item, case or table of
parties allows (format.md §3, events.md "Authority, exactly"). ``follow`` folds an entry that may stand into those
states. That the signatures' bytes verify is ``ledger.dsse``'s to say, and that ``details`` have the shape of their
type ``ledger.types``'.

A reader of one history sees less than the service: where a subject, a statement or a party is ``NOT_SHOWN``, the rules
that rest on it are left to whoever audits the whole log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ledger import holding, item, leaf, types, uri
from ledger.errors import Forbidden, Invalid, Refused
from ledger.leaf import Entry, Statement
from ledger.party import Parties, did_of
from ledger.state import NOT_SHOWN, State
from ledger.types_row import Type

_MAX_WHOLES = 32
"""Steps up from a part to its whole: more is a cycle, or nothing that anybody built."""
_CORRECTIONS = frozenset({"statement.corrected", "statement.retracted"})
_OF_STATEMENTS = _CORRECTIONS | {"statement.disputed"}


class Lookups(Protocol):
    """What a rule may ask beyond the states of the entry's own subjects; each answer may be ``NOT_SHOWN``."""

    def entry(self, statement_id: str, subject: str) -> Entry | None:
        """The earlier entry with this statement id; one that is asked for should be about this subject."""

    def state(self, subject: str) -> State | None:
        """The state of another subject."""

    def holder_key(self, did: str) -> bool:
        """Whether an earlier entry named this key as a holder's."""


def judge(entry: Entry, parties: Parties, states: Sequence[State | None], look: Lookups) -> None:
    """Raise ``Invalid``, ``Refused`` or ``Forbidden`` unless the entry may stand at its index; nothing is changed.

    ``states`` has one element a subject: its state before this entry, ``None`` for a subject without one, or
    ``NOT_SHOWN``. Pointers are those of the statement. Entry 0 is ``ledger.party.start``'s to judge.
    """
    statement = entry.statement
    if statement.ledger != parties.ledger:
        raise Invalid("want the leaf hash of entry 0 of this ledger", "/ledger")
    leaf.check_time(entry)
    row = types.TYPES[statement.type]
    states = [_in_force(state, entry.recorded_at) for state in states]
    kind = _judge_subjects(entry, row, parties, states)
    if statement.grant is None:
        _judge_party(entry, row, parties, states[0])
    else:
        _judge_holder(entry, row, states[0])
    if (statement.corrects is None) == (statement.type in _CORRECTIONS):
        raise Invalid("want corrects in a correction or retraction, and nowhere else", "/corrects")
    if statement.type in _OF_STATEMENTS:
        _judge_referred(statement, states[0], look)
    elif statement.type == "data.erased":
        _judge_erased(statement, look)
    _judge_keys(statement, parties, look)
    parties.refuse(entry)
    if kind in {"item", "case"}:
        _judge_item(entry, parties, states, look)


def follow(entry: Entry, leaf_hash: str, parties: Parties, states: Sequence[State | None]) -> list[State]:
    """The states of the entry's subjects after it; changes ``parties`` and the given states in place.

    For an entry that ``judge`` let stand. ``NOT_SHOWN`` stays what it is.
    """
    statement = entry.statement
    after: list[Any] = []
    for number, (subject, state) in enumerate(zip(statement.subjects, states, strict=True)):
        if state is NOT_SHOWN:
            after.append(NOT_SHOWN)
            continue
        now = state or _first_state(entry, subject, parties)
        now.last_at = entry.recorded_at
        if now.held.pending:
            now.held = now.held.at(entry.recorded_at)
        now.add_signer(statement)
        if number == 0 and now.kind in {"item", "case"}:
            item.follow(now, entry, leaf_hash)
        elif now.kind == "item":
            item.follow_second(now, entry, leaf_hash)
        if number == 0 and statement.type == "statement.retracted" and statement.corrects is not None:
            now.retracted = (*now.retracted, statement.corrects)
        after.append(now)
    parties.follow(entry, leaf_hash)
    return after


def pass_over(entry: Entry, states: Sequence[State | None]) -> None:
    """Note who said what cannot be folded in: that a party is concerned follows from any type (§9)."""
    for state in filter(None, map(_shown, states)):
        state.add_signer(entry.statement)


def speak(entry: Entry, parties: Parties, state: State | None) -> None:
    """Raise ``Forbidden`` unless every signature is by a key of the entry's party, or holder, whatever its type is."""
    if entry.statement.grant is not None:
        holding.speaker(holding.Held() if state is None else state.held.at(entry.recorded_at), entry)
    elif not all(parties.in_force(signature.key, entry.statement.party) for signature in entry.signatures):
        raise Forbidden("got a signature by a key that is not in force for this party", "/signatures")


def _in_force(state: State | None, recorded_at: str) -> State | None:
    if state is None or state is NOT_SHOWN or not state.held.pending:
        return state
    seen = State(kind=state.kind, first_at=state.first_at, last_at=state.last_at)
    for member in State.__struct_fields__:
        setattr(seen, member, getattr(state, member))
    seen.held = state.held.at(recorded_at)
    return seen


def _first_state(entry: Entry, subject: str, parties: Parties) -> State:
    if entry.statement.type == "item.registered":
        return item.register(entry)
    if uri.subject_kind(subject) == "authority":
        kind = "authority"
    elif subject == parties.ledger_subject:
        kind = "ledger"
    else:
        kind = "case" if subject == entry.statement.case else "party"
    return State(kind=kind, first_at=entry.recorded_at, last_at=entry.recorded_at)


def _kind_of(subject: str, state: State | None, parties: Parties) -> str:
    """The kind of a subject; "" where it has none yet, or none that is shown."""
    if uri.subject_kind(subject) == "authority":
        return "authority"
    if subject == parties.ledger_subject:
        return "ledger"
    if parties.known(subject):
        return "party"
    known = _shown(state)
    return "" if known is None else known.kind


def _shown(state: State | None) -> State | None:
    return None if state is NOT_SHOWN else state


def _judge_subjects(entry: Entry, row: Type, parties: Parties, states: Sequence[State | None]) -> str:
    """The kind of the first subject, once every subject is of a kind and the number that the type is about."""
    statement = entry.statement
    kind = _kind_of(statement.subjects[0], states[0], parties)
    if not kind:
        kind = _new_kind(statement, states[0], row, complete=parties.complete)
    if kind not in row.kinds:
        raise Refused(f"got {statement.type} about a subject of kind {kind or 'none'}", "/subjects/0")
    if statement.case == statement.subjects[0] and kind != "case":
        raise Refused("got a case that is the subject itself, but this subject is no case", "/case")
    want = _subject_count(statement, row, kind)
    if len(statement.subjects) not in want:
        raise Invalid(f"got {len(statement.subjects)} subjects, want {want[0]}", "/subjects")
    if statement.type not in _OF_STATEMENTS:
        for number in range(1, len(states)):
            _judge_other(statement, number, states[number], parties, "party" if kind == "case" else "item")
    return kind


def _subject_count(statement: Statement, row: Type, kind: str) -> range:
    least, most = row.subjects
    if kind == "case" and row.subjects == (1, 1) and statement.grant is None and statement.type not in _OF_STATEMENTS:
        least = most = 2
    return range(least, most + 1)


def _new_kind(statement: Statement, state: State | None, row: Type, *, complete: bool) -> str:
    """The kind that a subject without entries gets by this one."""
    subject = statement.subjects[0]
    if statement.type == "item.registered":
        return "item"
    if statement.type == "case.opened" and statement.case == subject and uri.subject_kind(subject) == "uuid":
        return "case"
    if state is NOT_SHOWN:
        if statement.case == subject and "case" in row.kinds:
            return "case"
        if "item" in row.kinds:
            return "item"
        (only,) = row.kinds
        return only
    if not complete and "party" in row.kinds and uri.subject_kind(subject) == "uuid":
        return "party"
    raise Refused("nothing is known of this subject", "/subjects/0", ("item.registered", "case.opened"))


def _judge_other(statement: Statement, number: int, state: State | None, parties: Parties, want: str) -> None:
    if state is NOT_SHOWN and want == "item":
        return
    kind = _kind_of(statement.subjects[number], state, parties)
    if statement.type == "data.erased":
        if not kind and state is None:
            raise Refused("nothing is known of this subject", f"/subjects/{number}")
    elif kind != want and (want == "item" or parties.complete):
        raise Refused(f"got a subject of kind {kind or 'none'}, want {want}", f"/subjects/{number}")


def _judge_party(entry: Entry, row: Type, parties: Parties, state: State | None) -> None:
    """Raise ``Forbidden`` unless the party may say this, and every signature is by a key of its own in force."""
    statement = entry.statement
    found = parties.parties.get(statement.party)
    if found is not None and found.suspended and statement.type != "key.revoked":
        raise Forbidden("this party is suspended", "/party")
    keys = [signature.key for signature in entry.signatures]
    if statement.type == "key.added" and keys[-1] == statement.details["key"]:
        keys.pop()
    elif statement.type == "key.added":
        raise Forbidden("want the signature of the new key, standing last", "/signatures")
    if not keys:
        raise Forbidden("want the signature of a key in force for the party, besides the new key's", "/signatures")
    for number, key in enumerate(keys):
        if not parties.in_force(key, statement.party):
            raise Forbidden("got a signature by a key that is not in force for this party", f"/signatures/{number}/key")
    if not _may_speak(statement, row, parties, state):
        who = ", ".join(sorted(row.who))
        raise Forbidden(
            f"got a party with roles {', '.join(parties.roles(statement.party)) or 'none'}, want {who}", "/party"
        )


def _may_speak(statement: Statement, row: Type, parties: Parties, state: State | None) -> bool:
    roles = parties.roles(statement.party)
    if any(role in row.who for role in roles) or "same" in row.who:
        return True
    if "self" in row.who and statement.party == statement.subjects[0].removesuffix("#authority"):
        return True
    if "concerned" in row.who and state is not None:
        return state is NOT_SHOWN or statement.party in state.signers
    if statement.details.get("on_behalf") is True and any(role in row.behalf for role in roles):
        return True
    return statement.details.get("performed_by") == "outside" and any(role in row.outside for role in roles)


def _judge_holder(entry: Entry, row: Type, state: State | None) -> None:
    if "holder" not in row.who and "same" not in row.who:
        raise Forbidden(f"got {entry.statement.type} from a holder, want {', '.join(sorted(row.who))}", "/party")
    known = _shown(state)
    if known is None:
        raise Forbidden("nobody holds this, so nobody can speak as its holder", "/party")
    if row.behalf and "on_behalf" in entry.statement.details:
        raise Invalid("a holder speaks for nobody else", "/details/on_behalf")
    holding.speaker(known.held, entry)


def _judge_referred(statement: Statement, state: State | None, look: Lookups) -> None:
    """Raise unless a correction, retraction or dispute names a statement that it may be about."""
    disputed = statement.type == "statement.disputed"
    pointer = "/details/disputes" if disputed else "/corrects"
    found = look.entry(statement.details["disputes"] if disputed else statement.corrects or "", statement.subjects[0])
    if found is NOT_SHOWN:
        return
    if found is None:
        raise Refused("got a statement that is not in this ledger", pointer)
    of = found.statement
    if disputed:
        if statement.subjects[0] not in of.subjects:
            raise Refused("got a statement about another subject", pointer)
        return
    if of.subjects != statement.subjects:
        raise Refused("got a statement with other subjects", pointer)
    if of.type in _OF_STATEMENTS:
        raise Refused(f"got a {of.type}; correct the statement itself", pointer)
    known = _shown(state)
    held = None if known is None else known.held.holding
    same_holder = of.grant is None or (held is not None and of.grant in [grant.entry for grant in held.grants])
    if of.party != statement.party or not same_holder:
        raise Forbidden("a statement is corrected or retracted by whoever made it, and by nobody else", "/party")
    if known is not None and statement.corrects in known.retracted:
        raise Refused("this statement is retracted", pointer)
    if "details" in statement.details:
        types.check_correction(of.type, statement.details["details"])


def _judge_erased(statement: Statement, look: Lookups) -> None:
    firsts = set()
    for number, statement_id in enumerate(statement.details["statements"]):
        found = look.entry(statement_id, "")
        if found is NOT_SHOWN:
            return
        if found is None or found.statement.subjects[0] not in statement.subjects:
            raise Refused("got a statement that is not about one of the subjects", f"/details/statements/{number}")
        firsts.add(found.statement.subjects[0])
    if len(firsts) != len(statement.subjects):
        raise Refused("want the first subjects of the statements, and no others", "/subjects")


def _judge_keys(statement: Statement, parties: Parties, look: Lookups) -> None:
    """Raise ``Refused`` if a key or uuid is named that is somebody else's: of parties, holders and the ledger."""
    details = statement.details
    named = types.holder_key(statement.type, details)
    if named is not None:
        if parties.is_key(named) or look.holder_key(named):
            raise Refused("got a key that was used before", "/details/holder_key")
    elif statement.type == "key.added" and look.holder_key(details["key"]):
        raise Refused("got a holder's key", "/details/key")
    elif statement.type == "ledger.key_added" and look.holder_key(did_of(details["vkey"])):
        raise Refused("got a holder's key", "/details/vkey")
    elif statement.type == "party.registered" and _shown(look.state(uri.party_of(statement.subjects[0]))) is not None:
        raise Refused("this uuid is an item or a case", "/subjects/0")


def _judge_item(entry: Entry, parties: Parties, states: Sequence[State | None], look: Lookups) -> None:
    """What the state of an item or case, and of a second item, says against the entry."""
    statement, state = entry.statement, _shown(states[0])
    if state is None:
        pass
    elif statement.type == "case.opened" and "holder_key" in statement.details:
        raise Refused("the item's holder speaks in its cases; none is named for one", "/details/holder_key")
    else:
        item.refuse(state, entry, parties.operator)
    second = _shown(states[1]) if len(states) > 1 and statement.type not in _OF_STATEMENTS else None
    if second is not None and second.kind == "item":
        item.refuse_second(second, entry)
        _refuse_cycle(statement, look)


def _refuse_cycle(statement: Statement, look: Lookups) -> None:
    """Raise ``Refused`` if a part would become a part of itself: parts are a forest (events.md §2)."""
    if statement.type == "repair.part_replaced":
        whole, part = statement.subjects[0], statement.subjects[1]
    elif statement.type == "item.linked" and statement.details["as"] in {"piece", "set"}:
        part, whole = statement.subjects[0], statement.subjects[1]
    else:
        return
    for _ in range(_MAX_WHOLES):
        if whole == part:
            raise Refused("a part cannot be a part of itself", "/subjects")
        state = _shown(look.state(whole))
        if state is None or not state.whole:
            return
        whole = state.whole
    raise Refused(f"got a part more than {_MAX_WHOLES} steps below its whole", "/subjects")
