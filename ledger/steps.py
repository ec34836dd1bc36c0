"""The few hard rules of a case: what may not follow what (events.md §4, "Order is soft").

A ledger that refuses a true record because a step was skipped teaches people to invent the step, so nearly everything
is accepted and compared with the standard afterwards (``ledger.progress``). Refused is what cannot be true, or what
would be said twice: a step of a case that was not opened, or that is closed, but for after-care; handing over or
forwarding what is not in custody; a second decision on a quote, or one on an expired or unknown quote; work after an
exchange or a return; an evaluation before any service, or a second one. Each refusal says what may follow.

What these rules rest on changes by the steps themselves and never by a correction or retraction: a history whose past
could be corrected would have to be judged again from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger import custody, times
from ledger.errors import Refused
from ledger.leaf import Entry, Statement
from ledger.state import Case, Quote, State
from ledger.types_case import CASE_TYPES

AFTER_CARE: Final = frozenset(
    "case.contacted case.followed_up case.evaluated case.surveyed case.accepted case.refused case.settled "
    "case.reopened statement.disputed statement.corrected statement.retracted".split()
)
"""What may follow the closing of a case."""
WORK: Final = frozenset(
    "repair.started repair.completed repair.failed repair.part_replaced maintenance.performed "
    "customization.completed".split()
)
"""Work on the item."""
DECISIONS: Final = frozenset({"case.approved", "case.declined"})
LATE: Final = times.DAY
"""A statement recorded later than this after what it tells counts from when it was recorded (standards.md, Clocks)."""
_DOES_NOTHING: Final = frozenset(
    "case.assigned case.escalated case.surveyed statement.corrected statement.retracted statement.disputed "
    "data.erased".split()
)
"""What a party may say in a case without having done anything for it."""
_TO_BE_RATED: Final = ("case.responded", "case.received", "case.diagnosed", "case.decided", "repair.completed")
_DAY_LENGTH: Final = len("2026-11-09")
_LAST_ZONE: Final = 12 * times.HOUR
"""A day ends last twelve hours behind UTC."""


def happened_at(occurred_at: str, recorded_at: str) -> int:
    """When something counts as done, in microseconds: as its author says if it was recorded within a day of that.

    Later, and for an author whose clock is ahead, it is when it was recorded: nobody gains by writing an earlier date.
    """
    occurred, recorded = times.parse_occurred(occurred_at), times.parse_recorded(recorded_at)
    return occurred if recorded - LATE <= occurred <= recorded else recorded


def refuse(state: State, entry: Entry) -> None:
    """Raise ``Refused`` if the entry may not follow what its case, on this subject, has seen."""
    statement = entry.statement
    if statement.case is None:
        if statement.type.startswith("case."):
            raise Refused("a case statement names its case", "/case")
        return
    case = state.cases.get(statement.case)
    why = why_not(state, case, statement.type, statement.party)
    if why is None and case is not None and statement.type in DECISIONS:
        why = _why_not_this_quote(case, entry)
    if why is not None:
        raise why


def why_not(state: State, case: Case | None, kind: str, party: str | None) -> Refused | None:
    """Why a statement of this type by this party may not follow, whatever its details; ``None`` if it may.

    ``case`` is what ``state`` knows of it, ``None`` if nothing. Without a ``party``: why nobody may say it.
    """
    if kind == "case.opened":
        return None if case is None else Refused("this case is open already", "/case", may_follow(state, case))
    if case is None:
        return Refused("this case was not opened on this subject", "/case", ("case.opened",))
    if case.closed and kind not in AFTER_CARE:
        return Refused("this case is closed", "/case", tuple(sorted(AFTER_CARE)))
    rule = _RULES.get(kind)
    return None if rule is None else rule(state, case, party)


def may_follow(state: State, case: Case, party: str | None = None) -> tuple[str, ...]:
    """The steps of a case that these rules let follow, in the order of events.md: what is said in it, and work.

    Decisions are among them while a quote waits for one; that it has not expired is judged by the time.
    """
    kinds = (row.name for row in CASE_TYPES if state.kind in row.kinds and row.name != "case.opened")
    return tuple([kind for kind in kinds if why_not(state, case, kind, party) is None])


def follow(cases: dict[str, Case], name: str, entry: Entry) -> None:
    """Fold an accepted entry of the case called ``name`` into the cases of its first subject; changes them in place."""
    statement = entry.statement
    if statement.type == "case.opened":
        cases[name] = Case(opened=entry.index, opened_at=entry.recorded_at)
        return
    case = cases.get(name)
    if case is None:  # opened by an entry that this reader could not tell
        return
    if not case.served and statement.grant is None and statement.type not in _DOES_NOTHING:
        case.served = True
    change = _CHANGES.get(statement.type)
    if change is not None:
        change(case, statement)


def quote_named(quotes: dict[str, Any], details: Mapping[str, Any]) -> str | None:
    """Which quote a decision of these details is about: the one it names, else the newest; ``None`` if it has none."""
    name = details.get("quote")
    if name is None:
        name = next(reversed(quotes), None)
    return name if name in quotes else None


def is_expired(expires: str, at: int) -> bool:
    """Whether a quote has expired at a time in microseconds: one that names a day, once that day is over everywhere."""
    if not expires:
        return False
    if len(expires) == _DAY_LENGTH:
        return at > times.parse_occurred(f"{expires}T23:59:59.999999Z") + _LAST_ZONE
    return at > times.parse_occurred(expires)


def _why_not_this_quote(case: Case, entry: Entry) -> Refused | None:
    statement = entry.statement
    name = quote_named(case.quotes, statement.details)
    if name is None:
        return Refused("got a decision on a quote that this case does not have", "/details/quote", ("case.quoted",))
    quote = case.quotes[name]
    if quote.decided:
        return Refused("this quote is decided; a change of mind takes a new one", "/details/quote", ("case.quoted",))
    if is_expired(quote.expires, happened_at(statement.occurred_at, entry.recorded_at)):
        return Refused(f"this quote expired, {quote.expires}", "/details/quote", ("case.quoted",))
    return None


def _why_not_theirs(state: State, _: Case, party: str | None) -> Refused | None:
    holds = custody.in_hand(state.custody)
    if holds == party or (party is None and holds not in {"", custody.OUTSIDE}):
        return None
    if not state.custody:
        return Refused("nobody has this in custody", "/type", ("case.received",))
    return Refused("somebody else has this in custody", "/type", ("case.received", "case.returned"))


def _why_no_work(_: State, case: Case, __: str | None) -> Refused | None:
    if not case.ended:
        return None
    return Refused("this case ended in an exchange or a return; work takes another one", "/case", ("case.opened",))


def _why_no_evaluation(_: State, case: Case, __: str | None) -> Refused | None:
    if case.evaluated:
        return Refused("this case is evaluated; revise it by a correction", "/case", ("statement.corrected",))
    if not case.served:
        return Refused("nothing was done in this case yet that could be evaluated", "/type", _TO_BE_RATED)
    return None


def _why_no_decision(_: State, case: Case, __: str | None) -> Refused | None:
    if not case.quotes:
        return Refused("got a decision on a quote that this case does not have", "/details/quote", ("case.quoted",))
    if all(quote.decided for quote in case.quotes.values()):
        return Refused("this quote is decided; a change of mind takes a new one", "/details/quote", ("case.quoted",))
    return None


_Rule = Callable[[State, Case, str | None], Refused | None]
_RULES: Final[Mapping[str, _Rule]] = {
    "case.forwarded": _why_not_theirs,
    "case.handed_over": _why_not_theirs,
    "case.evaluated": _why_no_evaluation,
    **dict.fromkeys(DECISIONS, _why_no_decision),
    **dict.fromkeys(WORK, _why_no_work),
}


def _quoted(case: Case, statement: Statement) -> None:
    name = statement.details.get("quote", "")
    known = case.quotes.pop(name, None)
    # The same digest is the same quote, said again with another term; without one, each is a quote of its own.
    decided = bool(name) and known is not None and known.decided
    case.quotes[name] = Quote(statement.details.get("expires", ""), decided)


def _decided(case: Case, statement: Statement) -> None:
    name = quote_named(case.quotes, statement.details)
    if name is not None:
        case.quotes[name].decided = True


def _set(member: str, *, value: bool = True) -> Callable[[Case, Statement], None]:
    def change(case: Case, _: Statement) -> None:
        setattr(case, member, value)

    return change


_CHANGES: Final[Mapping[str, Callable[[Case, Statement], None]]] = {
    "case.quoted": _quoted,
    "case.approved": _decided,
    "case.declined": _decided,
    "case.evaluated": _set("evaluated"),
    "case.closed": _set("closed"),
    "case.reopened": _set("closed", value=False),
    "exchange.completed": _set("ended"),
    "return.completed": _set("ended"),
}
