"""What may be said of an item and of a case, and how it changes their state (events.md §2 to §4).

``refuse`` judges an entry by the subject's state before it and changes nothing; ``follow`` folds an accepted entry in.
What the steps of a case may be is ``ledger.steps``' to say, and whose hands an item is in ``ledger.custody``'s.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger import custody, holding, steps, types
from ledger.errors import Forbidden, Refused
from ledger.leaf import Entry, Statement
from ledger.state import State

AFTER_RETIREMENT = frozenset(
    "statement.corrected statement.retracted statement.disputed item.reinstated data.erased".split()
)
"""Erasure too: the law does not ask whether the thing still exists."""
NOT_AFTER_RESET = frozenset("case.evaluated case.approved case.accepted item.accepted".split())
"""What a key that came by reset may not say in a case opened before it."""
_NAMING = frozenset("item.sold case.handed_over".split())


def refuse(state: State, entry: Entry, operator: str) -> None:
    """Raise ``Refused`` or ``Forbidden`` if the entry contradicts the state of its first subject, an item or a case.

    ``operator`` may reset any holder. ``state.held`` must be in force at the entry's ``recorded_at``.
    """
    statement = entry.statement
    if statement.type == "item.registered":
        raise Refused("this item is registered", "/subjects/0", ("item.linked", "statement.corrected"))
    _refuse_retired(state, statement)
    steps.refuse(state, entry)
    if statement.grant is not None:
        _refuse_after_reset(state, statement)
    if statement.type in _NAMING:
        holding.refuse_naming(state.held, statement)
    if statement.type == "item.holder_reset" and statement.party != operator:
        _refuse_reset(state, statement)
    check = _REFUSE.get(statement.type)
    if check is not None:
        check(state, statement)


def refuse_second(state: State, entry: Entry) -> None:
    """Raise ``Refused`` if the entry contradicts the state of the item that is its second subject."""
    statement = entry.statement
    if state.retired is not None and statement.type in {"exchange.completed", "repair.part_replaced"}:
        raise Refused("this item is retired", "/subjects/1", ("item.reinstated",))
    if statement.type == "exchange.completed":
        if statement.details["replacement"] != statement.subjects[1]:
            raise Refused("want the second subject to be the replacement", "/details/replacement")
        holding.refuse_naming(state.held, statement)


def _refuse_retired(state: State, statement: Statement) -> None:
    if state.retired is None:
        if statement.type == "item.reinstated":
            raise Refused("this item is not retired", "/type")
        return
    case = None if statement.case is None else state.cases.get(statement.case)
    if statement.type not in AFTER_RETIREMENT and (case is None or case.opened > state.retired):
        raise Refused("this item is retired", "/subjects/0", tuple(sorted(AFTER_RETIREMENT)))


def _refuse_after_reset(state: State, statement: Statement) -> None:
    held = state.held.holding
    if held is None or held.reset_at is None or statement.case is None or statement.type not in NOT_AFTER_RESET:
        return
    case = state.cases.get(statement.case)
    if case is not None and case.opened_at < held.reset_at:
        raise Forbidden("this key came by reset after the case was opened", "/case")


def _refuse_stolen(state: State, _: Statement) -> None:
    if state.stolen:
        raise Refused("this item is reported stolen", "/type", ("item.recovered",))


def _refuse_transfer(state: State, statement: Statement) -> None:
    _refuse_stolen(state, statement)
    holding.refuse_claim_or_transfer(state.held, statement)


def _refuse_claim(state: State, statement: Statement) -> None:
    holding.refuse_claim_or_transfer(state.held, statement)


def _refuse_retirement(state: State, statement: Statement) -> None:
    held = state.held.holding
    if held is not None and not held.released and statement.grant is None:
        raise Refused("a held item is retired after a return or an exchange, or by its holder", "/type")


def _refuse_revocation(state: State, statement: Statement) -> None:
    number = statement.details["certificate_no"]
    if statement.party not in state.certificates.get(number, []):
        raise Forbidden("want a certificate in force that this certifier signed", "/details/certificate_no")


def _refuse_link(state: State, statement: Statement) -> None:
    if statement.details["as"] in {"piece", "set"} and state.whole not in {"", statement.subjects[1]}:
        raise Refused("this item is a part of another one", "/subjects/0")


def _refuse_reset(state: State, statement: Statement) -> None:
    if statement.party != state.sold_by:
        raise Forbidden("want the retailer of the last sale, or the operator", "/party")


_REFUSE: dict[str, Callable[[State, Statement], None]] = {
    "item.sold": _refuse_stolen,
    "item.transferred": _refuse_transfer,
    "item.claimed": _refuse_claim,
    "item.claim_refused": _refuse_claim,
    "item.retired": _refuse_retirement,
    "authentication.revoked": _refuse_revocation,
    "item.linked": _refuse_link,
}


def register(entry: Entry) -> State:
    """The state of an item after its first entry."""
    details = entry.statement.details
    return State(
        kind="item",
        first_at=entry.recorded_at,
        last_at=entry.recorded_at,
        registered_by=entry.statement.party,
        name=details["name"],
        category=details["category"],
        brand=details.get("brand", ""),
        model=details.get("model", ""),
    )


def follow(state: State, entry: Entry, leaf_hash: str) -> None:
    """Fold an accepted entry into the state of its first subject, an item or a case; changes ``state``."""
    statement = entry.statement
    if statement.type in custody.MOVES:
        state.custody = _custody_after(state, statement)
    if statement.case is not None:
        steps.follow(state.cases, statement.case, entry)
    named = types.holder_key(statement.type, statement.details)
    if named is not None and statement.type != "exchange.completed":
        state.held = holding.named(state.held, entry, leaf_hash)
    change = _FOLLOW.get(statement.type)
    if change is not None:
        change(state, entry)


def follow_second(state: State, entry: Entry, leaf_hash: str) -> None:
    """Fold an accepted entry into the state of the item that is its second subject; changes ``state``."""
    statement = entry.statement
    if statement.type == "exchange.completed" and "holder_key" in statement.details:
        state.held = holding.named(state.held, entry, leaf_hash)
    elif statement.type == "repair.part_replaced":
        state.whole = statement.subjects[0]


def _set(member: str, value: bool) -> Callable[[State, Entry], None]:
    def change(state: State, _: Entry) -> None:
        setattr(state, member, value)

    return change


def _recovered(state: State, _: Entry) -> None:
    state.stolen = state.lost = False


def _sold(state: State, entry: Entry) -> None:
    state.sold_by = entry.statement.party


def _released(state: State, _: Entry) -> None:
    state.held = holding.released(state.held)


def _claim_refused(state: State, entry: Entry) -> None:
    state.held = holding.refused(state.held, entry.statement.details["refused"])


def _custody_after(state: State, statement: Statement) -> tuple[str, ...]:
    case = None if statement.case is None else state.cases.get(statement.case)
    # What is handed over after an exchange is the replacement: the item that came back stays where it is.
    if statement.type == "case.handed_over" and case is not None and case.ended:
        return state.custody
    return custody.moved(state.custody, statement)


def _retired(state: State, entry: Entry) -> None:
    state.retired = entry.index


def _reinstated(state: State, _: Entry) -> None:
    state.retired = None


def _certified(state: State, entry: Entry) -> None:
    state.certificates.setdefault(entry.statement.details["certificate_no"], []).append(entry.statement.party)


def _certificate_revoked(state: State, entry: Entry) -> None:
    state.certificates[entry.statement.details["certificate_no"]].remove(entry.statement.party)


def _linked(state: State, entry: Entry) -> None:
    if entry.statement.details["as"] in {"piece", "set"}:
        state.whole = entry.statement.subjects[1]


_FOLLOW: dict[str, Callable[[State, Entry], None]] = {
    "item.sold": _sold,
    "item.reported_stolen": _set("stolen", value=True),
    "item.reported_lost": _set("lost", value=True),
    "item.recovered": _recovered,
    "item.recalled": _set("recalled", value=True),
    "item.recall_closed": _set("recalled", value=False),
    "item.claim_refused": _claim_refused,
    "item.retired": _retired,
    "item.reinstated": _reinstated,
    "item.linked": _linked,
    "return.completed": _released,
    "exchange.completed": _released,
    "authentication.certified": _certified,
    "authentication.revoked": _certificate_revoked,
}
