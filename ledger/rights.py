"""What a customer may ask for today: warranty and rights of one item, from its statements and the standard.

Each ``Right`` names the rule, what the rule rests on, and the statements that it follows from. They advise customer and
shop and never block: whatever is true can be recorded, and who is right in the end is not for a ledger to say. Days are
those of the party's zone, by when things are said to have occurred; what was retracted does not count, and what was
corrected counts as corrected. Windows of days and months do not count their first day and hold through their last.

Where a rule looks at a *repair under warranty*, the last diagnosis of its case says so, or without one the opening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from ledger.leaf import Entry
from ledger.spell import Spell, Told, read_spell
from ledger.standard import Standard
from ledger.standard_figures import WarrantyFigures

SALE: Final = "sale"
"""The source of a promise that the seller made at the sale and no standard has."""
REPAIR: Final = "repair"
"""The source of a promise that the workshop made for its own work."""
_NOTHING: Final = WarrantyFigures(source=SALE)

Day = Callable[[int], date]


@dataclass(frozen=True, slots=True)
class Right:
    """Something that may be asked for, from ``since`` (``None``: since the sale) through ``until`` (``None``: open).

    ``right`` is what: ``free_repair``, ``return``, ``exchange``, ``refund``, ``ask_authority``. ``rule`` is why, named
    as the figure in the standard. ``source`` is named as in the standard's basis (``Standard.source`` has the title),
    or it is the ``sale`` or the ``repair``. ``rests`` are statement ids; ``case`` is the case that it is about. A
    refund has a day on which it is ``due``, and stays due after it.
    """

    right: str
    rule: str
    source: str
    rests: tuple[str, ...]
    since: date | None = None
    until: date | None = None
    case: str | None = None
    due: date | None = None


def rights(
    item: str,
    entries: Iterable[Entry],
    standard: Standard | None,
    now: int,
    day_of: Day,
    *,
    replaced: Sequence[Entry] = (),
) -> tuple[Right, ...]:
    """The rights in force at ``now``, in the order: repair, return, exchange, refund, authority.

    ``entries`` are all of the item's, in the order of the log; those recorded after ``now`` do not count. ``day_of``
    gives the party's day of a moment (``WorkingTime.day_of``). ``replaced`` are the entries of the item that this one
    was given for, which rules on the remainder of a warranty look at.
    """
    spell = read_spell(item, entries, now, day_of)
    today = day_of(now)
    figures = _figures(standard, spell)
    found: list[Right] = []
    if spell.begun is not None and not spell.over:
        found += _warranty(spell, figures, today, lambda: _remainder(replaced, standard, now, day_of))
        found += _returns(spell, standard)
        found += _faults(spell, figures)
        found += _repeated(spell, figures)
        found += _parts(spell, figures, today)
    found += _repair_holds(spell, figures)
    found += _refunds(spell, standard)
    found += _authority(spell, standard, now, day_of)
    order = ("free_repair", "return", "exchange", "refund", "ask_authority")
    in_force = [one for one in found if one.until is None or today <= one.until]
    return tuple(sorted(in_force, key=lambda one: order.index(one.right)))


def warranty_until(
    spell: Spell, figures: WarrantyFigures, today: date, remainder: date | None
) -> tuple[date, Right] | None:
    """The last day of the warranty, with the right that says so, or ``None`` without one.

    Of the seller's promise, a warranty that was granted and the standard's months, the one that ends last counts. Time
    in a repair under warranty is added where the standard extends it, and months after such a repair as often as it
    says. ``remainder`` is until when the warranty of the item lasted that this one was given for.
    """
    candidates = [_promised(spell, one) for one in _promises(spell, figures)]
    if remainder is not None and spell.begun is not None and figures.after_exchange in {"remainder", "longer"}:
        candidates = [_carried("after_exchange", remainder, spell.begun, figures)]
        if figures.after_exchange == "longer" and figures.repair_days_min:
            own = spell.begun.day + timedelta(figures.repair_days_min)
            candidates.append(_carried("repair_days_min", own, spell.begun, figures))
    if not candidates:
        return None
    until, right = max(candidates, key=lambda one: one[0])
    rests = list(right.rests)
    repairs = [case for case in spell.cases if case.kind == "repair" and case.in_warranty]
    for came, went in (stay for case in repairs for stay in case.stays):
        if figures.in_repair == "extends" and came.day <= until:
            until += (today if went is None else went.day) - came.day
            rests.append(came.id)
    completed = [done for case in repairs for done in case.repairs if done.type == "repair.completed"]
    for done in completed[: figures.after_repair_times or len(completed)]:
        if figures.after_repair_months and done.day <= until:
            until = add_months(until, figures.after_repair_months)
            rests.append(done.id)
    return until, replace(right, rests=tuple(rests), until=until)


def _carried(rule: str, until: date, exchange: Told, figures: WarrantyFigures) -> tuple[date, Right]:
    return until, Right("free_repair", rule, figures.source_of(rule), (exchange.id,))


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of a month that has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(day.day - 1), following - timedelta(1))


def _figures(standard: Standard | None, spell: Spell) -> WarrantyFigures:
    return (None if standard is None else standard.warranty(spell.category)) or _NOTHING


@dataclass(frozen=True, slots=True)
class _Promise:
    months: int
    start: str
    rule: str
    source: str
    said: Told | None


def _promises(spell: Spell, figures: WarrantyFigures) -> list[_Promise]:
    found = []
    if figures.months:
        found.append(_Promise(figures.months, figures.start, "months", figures.source_of("months"), spell.begun))
    sold = spell.begun
    if sold is not None and sold.details.get("warranty_months"):
        start = sold.details.get("warranty_from", "sold")
        found.append(_Promise(sold.details["warranty_months"], start, "warranty_months", SALE, sold))
    return found + [_Promise(one.details["months"], one.details["from"], "granted", SALE, one) for one in spell.granted]


def _promised(spell: Spell, promise: _Promise) -> tuple[date, Right]:
    started = spell.started(promise.start)
    rests = tuple(dict.fromkeys(one.id for one in (promise.said, started.said) if one is not None))
    return add_months(started.day, promise.months), Right("free_repair", promise.rule, promise.source, rests)


def _remainder(replaced: Sequence[Entry], standard: Standard | None, now: int, day_of: Day) -> date | None:
    """Until when the warranty of the replaced item would have lasted on the day of the exchange."""
    if not replaced:
        return None
    item = replaced[0].statement.subjects[0]
    spell = read_spell(item, replaced, now, day_of)
    until = warranty_until(spell, _figures(standard, spell), day_of(now), None)
    return None if until is None else until[0]


def _warranty(spell: Spell, figures: WarrantyFigures, today: date, remainder: Callable[[], date | None]) -> list[Right]:
    until = warranty_until(spell, figures, today, remainder())
    return [] if until is None else [until[1]]


def _returns(spell: Spell, standard: Standard | None) -> list[Right]:
    """Returning without a reason: by the standard, and by what the seller promised."""
    sold = spell.begun
    assert sold is not None, "asked after a sale alone"
    found = []
    rules = None if standard is None else standard.returns
    excluded = rules is not None and "custom" in rules.excludes and sold.details.get("custom", False)
    if rules is not None and sold.type == "item.sold" and rules.covers(sold.details["channel"]) and not excluded:
        started = spell.started(rules.start)
        # Before it is received, the days have not begun, and it may be returned all the same.
        until = started.day + timedelta(rules.no_reason_days) if started.certain else None
        rests = tuple(dict.fromkeys(one.id for one in (sold, started.said) if one is not None))
        found.append(Right("return", "no_reason_days", rules.source, rests, until=until))
    if "return_days" in sold.details:
        until = sold.day + timedelta(sold.details["return_days"])
        found.append(Right("return", "return_days", SALE, (sold.id,), until=until))
    return found


def _faults(spell: Spell, figures: WarrantyFigures) -> list[Right]:
    """Return and exchange for a fault that shows soon after the sale."""
    assert spell.begun is not None, "asked after a sale alone"
    started = spell.started(figures.start)
    rests = tuple(dict.fromkeys(one.id for one in (spell.begun, started.said) if one is not None))
    return [
        Right(right, rule, figures.source_of(rule), rests, until=started.day + timedelta(count))
        for right, rule, count in (
            ("return", "fault_return_days", figures.fault_return_days),
            ("exchange", "fault_exchange_days", figures.fault_exchange_days),
        )
        if count is not None
    ]


def _repeated(spell: Spell, figures: WarrantyFigures) -> list[Right]:
    """Exchange after so many repairs that did not help: the last one failed, or another is asked for after it."""
    rule, wanted = "exchange_after_repairs", figures.exchange_after_repairs
    repairs = [case for case in spell.cases if case.kind == "repair" and case.in_warranty]
    tried = [done for case in repairs for done in case.repairs]
    if wanted is None or len(tried) < wanted:
        return []
    last = max(tried, key=lambda done: done.index)
    again = next((case.opened for case in repairs if case.opened.index > last.index), None)
    shows = last if last.type == "repair.failed" else again
    if shows is None:
        return []
    rests = tuple(dict.fromkeys([*(done.id for done in tried), shows.id]))
    return [Right("exchange", rule, figures.source_of(rule), rests, since=shows.day)]


def _parts(spell: Spell, figures: WarrantyFigures, today: date) -> list[Right]:
    """Exchange where parts are awaited for too long."""
    rule, most = "exchange_after_parts_days", figures.exchange_after_parts_days
    found = []
    for case in spell.cases:
        if most is None or case.kind != "repair" or not case.in_warranty or case.closed is not None:
            continue
        waited = sum(((today if end is None else end.day) - start.day).days for start, end in case.parts)
        if waited > most:
            rests = tuple(start.id for start, _ in case.parts)
            found.append(Right("exchange", rule, figures.source_of(rule), rests, case=case.id))
    return found


def _repair_holds(spell: Spell, figures: WarrantyFigures) -> list[Right]:
    """The time for which a repair itself is warranted, by the standard or by the workshop's own word."""
    found = []
    for done in spell.repairs:
        own, least = done.details.get("warranty_days", 0), figures.repair_days_min or 0
        rule, source = "repair_days_min", figures.source_of("repair_days_min")
        if own > least:
            rule, source = "warranty_days", REPAIR
        if own or least:
            until = done.day + timedelta(max(own, least))
            found.append(Right("free_repair", rule, source, (done.id,), since=done.day, until=until, case=done.case))
    return found


def _refunds(spell: Spell, standard: Standard | None) -> list[Right]:
    """The refund of what was returned, until it is settled."""
    rules = None if standard is None else standard.returns
    found = []
    for done in spell.returned:
        settled = any(
            one.case == done.case and one.index > done.index and one.details["what"] == "refund"
            for one in spell.settled
        )
        if rules is not None and rules.refund_days is not None and not settled:
            due = done.day + timedelta(rules.refund_days)
            found.append(Right("refund", "refund_days", rules.source, (done.id,), done.day, case=done.case, due=due))
    return found


def _authority(spell: Spell, standard: Standard | None, now: int, day_of: Day) -> list[Right]:
    """The authority may be asked where a case had no answer within the outer limit."""
    if standard is None or standard.outer is None:
        return []
    found = []
    for case in spell.cases:
        late = case.opened.occurred + standard.outer.nominal
        if case.answered is None and case.closed is None and now > late:
            source = standard.document["outer"]["source"]
            rests = (case.opened.id,)
            found.append(Right("ask_authority", "outer", source, rests, since=day_of(late), case=case.id))
    return found
