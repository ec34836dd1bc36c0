"""Is it the same thing that comes back? Identity evidence, compared at every change of custody (events.md §4).

What customers fear most is another stone in the same ring. So each change of custody states evidence, and what it says
is compared with the change before it, whatever case that was in: the weight, after what was taken off loose and what
the work was expected to change since then, and every other plain member, such as a hallmark, a serial number, a count
of stones. A difference is shown with whose hands it arose in, and needs a reason.

The comparison rests on what was first said: a correction of a weight stands beside the difference and does not
remove it.

>>> tolerance_of(["Au750", "diamond"]), tolerance_of(["sterling silver"])
(Decimal('0.01'), Decimal('0.1'))
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ledger import custody
from ledger.leaf import Entry

FINE: Final = Decimal("0.01")
"""Grams within which two weights of gold or platinum are the same (events.md §4)."""
COARSE: Final = Decimal("0.1")
"""The same of silver, and of whatever has no figure of its own."""
_PRECIOUS = re.compile(r"gold|platin|\b(?:au|pt)[0-9]{0,4}\b|[金铂鉑]", re.IGNORECASE)
_WEIGHTS: Final = frozenset({"weight_g", "expected_change_g", "loose"})
_NOT_COMPARED: Final = _WEIGHTS | {"photos", "reason"}
_CHANGING: Final = frozenset({"repair.part_replaced", "customization.completed"})
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of custody found other than the one before: ``what`` is weight_g or a member of the evidence.

    ``was`` at entry ``before`` and ``now`` at entry ``index``; ``by`` is the unexpected difference in grams, "" for
    what has no weight. ``in_hands`` is who had it just before ``index``, "" for its owner. ``corrected`` says that one
    of the two was corrected or taken back later.
    """

    what: str
    before: int
    index: int
    was: Any
    now: Any
    by: str
    in_hands: str
    reason: str
    corrected: bool

    @property
    def explained(self) -> bool:
        """Whether a reason was given with the evidence."""
        return bool(self.reason)


@dataclass(slots=True)
class _Seen:
    """The last value of a member, and the entry that stated it."""

    entry: Entry
    value: Any


def tolerance_of(materials: Iterable[str]) -> Decimal:
    """Grams within which two weights are the same: the finer one if any of the materials is gold or platinum."""
    return FINE if any(_PRECIOUS.search(material) for material in materials) else COARSE


def differences(told: Sequence[tuple[Entry, str]]) -> list[Difference]:
    """The differences between the changes of custody of an item, given all its entries, oldest first."""
    materials = (entry.statement.details.get("materials", ()) for entry, _ in told[:1])
    tolerance = tolerance_of(next(materials, ()))
    corrected = frozenset(entry.statement.corrects for entry, _ in told)
    seen: dict[str, _Seen] = {}
    expected = _NOTHING
    found = []
    for move in custody.moves(told):
        statement = move.entry.statement
        evidence = statement.details.get("evidence", {})
        expected += Decimal(evidence.get("expected_change_g", "0"))
        for what, value in _values(evidence).items():
            last = seen.get(what)
            seen[what] = _Seen(move.entry, value)
            if last is None:
                continue
            by = value - last.value - expected if what == "weight_g" else _NOTHING
            if abs(by) > tolerance or (what != "weight_g" and value != last.value):
                touched = {statement.id, last.entry.statement.id} & corrected
                found.append(_difference(what, last, seen[what], by, (custody.in_hand(move.before), bool(touched))))
        if "weight_g" in evidence:
            expected = _NOTHING
    return found


def changed_at(told: Sequence[tuple[Entry, str]]) -> tuple[int, ...]:
    """The entries that changed a stone, a part or the weight, in order: an earlier certificate is of another state."""
    weighed = {one.index for one in differences(told) if one.what == "weight_g"}
    return tuple(entry.index for entry, _ in told if entry.index in weighed or _changes(entry))


def _changes(entry: Entry) -> bool:
    details = entry.statement.details
    if entry.statement.type in _CHANGING or details.get("parts"):
        return True
    evidence = details.get("evidence")
    return isinstance(evidence, Mapping) and Decimal(evidence.get("expected_change_g", "0")) != _NOTHING


def _values(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared: the weight with what lies loose beside it, and the plain members, lists in any order."""
    values = {
        name: sorted(value, key=str) if isinstance(value, list) else value
        for name, value in evidence.items()
        if name not in _NOT_COMPARED
    }
    if "weight_g" in evidence:
        loose = (one.get("weight_g", "0") for one in evidence.get("loose", ()) if isinstance(one, Mapping))
        values["weight_g"] = sum(map(Decimal, loose), Decimal(evidence["weight_g"]))
    return values


def _difference(what: str, last: _Seen, now: _Seen, by: Decimal, about: tuple[str, bool]) -> Difference:
    weight = what == "weight_g"
    in_hands, corrected = about
    return Difference(
        what=what,
        before=last.entry.index,
        index=now.entry.index,
        was=format(last.value, "f") if weight else last.value,
        now=format(now.value, "f") if weight else now.value,
        by=format(by, "f") if weight else "",
        in_hands=in_hands,
        reason=now.entry.statement.details["evidence"].get("reason", ""),
        corrected=corrected,
    )
