"""Entries about a case or an item, told by clocks instead of a log: the rules of who may say what are not asked."""

from __future__ import annotations

from typing import Any

from ledger import leaf
from ledger.leaf import Entry, Signature
from ledger.times import format_recorded, parse_occurred
from tests.build import ring, uuid

SHOP, CASE, RING = uuid("shop"), uuid("case"), ring(1)
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


def at(text: str) -> int:
    """A moment, from ``2026-02-13 17:00`` in UTC, or with seconds and a zone as an author writes it."""
    return parse_occurred(text if "T" in text else text.replace(" ", "T") + ":00Z")


class Casebook:
    """What was said, in the order in which it was recorded."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def say(
        self,
        kind: str,
        occurred: str | int,
        details: dict[str, Any] | None = None,
        *,
        recorded: str | int = "",
        **more: Any,
    ) -> str:
        """Add an entry and return its statement's id; without ``recorded`` it was recorded as it occurred."""
        happened = occurred if isinstance(occurred, int) else at(occurred)
        written = recorded if isinstance(recorded, int) else at(recorded) if recorded else happened
        index = len(self.entries) + 10
        statement = {
            "id": uuid(f"said {index}"), "type": kind, "subjects": [RING], "party": SHOP, "case": CASE,
            "occurred_at": format_recorded(happened), "details": details or {}, **more,
        }  # fmt: skip
        parsed = leaf.statement_from({name: value for name, value in statement.items() if value is not None})
        assert leaf.check_details(parsed) == ()
        entry = Entry(
            index=index,
            prev="0" * 64,
            recorded_at=format_recorded(written),
            links=(),
            statement=parsed,
            signatures=(Signature("did:key:z", "x"),),
            v=1,
        )
        self.entries.append(entry)
        return parsed.id

    def open(self, occurred: str | int, *, recorded: str | int = "", **details: Any) -> str:
        """Open the case."""
        return self.say("case.opened", occurred, OPENED | details, recorded=recorded)

    def retract(self, said: str, occurred: str | int) -> str:
        """Take a statement back."""
        return self.say("statement.retracted", occurred, {"reason": "mistake"}, corrects=said)
