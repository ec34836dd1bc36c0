"""The state of an item, and the doubt about a statement, as JSON: one shape for every address that shows them."""

from __future__ import annotations

from typing import Any

from ledger import times
from ledger.db.views import word_of
from ledger.doubt import Doubt
from ledger.holding import WAIT, Holding, Pending
from ledger.state import State


def describe_doubt(doubt: Doubt | None) -> dict[str, Any] | None:
    """Why a statement is doubtful: by which key, since when, and the key whose revocation makes it so; else null."""
    if doubt is None:
        return None
    return {"key": doubt.key, "since": doubt.since, "cause": doubt.cause, "reason": doubt.reason, "told": doubt.told}


def describe_state(state: State, now: int) -> dict[str, Any]:
    """The members that an item's state has in JSON; ``now`` says which claims and resets have come into force."""
    held = state.held.at(times.format_recorded(now))
    holding = held.holding
    return {
        "name": state.name,
        "category": state.category,
        "brand": state.brand or None,
        "model": state.model or None,
        "state": word_of(state),
        "registered_by": state.registered_by,
        "sold_by": state.sold_by or None,
        "stolen": state.stolen,
        "lost": state.lost,
        "recalled": state.recalled,
        "retired": state.retired is not None,
        "holder": _holder(holding),
        "waiting": [_waiting(one) for one in held.pending],
        "part_of": state.whole or None,
        "certificates": [
            {"certificate_no": number, "by": list(parties)} for number, parties in state.certificates.items() if parties
        ],
        "cases": [
            {"case": case, "opened_at": one.opened_at, "closed": one.closed} for case, one in state.cases.items()
        ],
        "first_recorded": state.first_at,
        "last_recorded": state.last_at,
    }


def _holder(holding: Holding | None) -> dict[str, Any] | None:
    """The key that speaks for the holder, and every key of the holding with the grant that it signs under."""
    if holding is None:
        return None
    return {
        "custody": holding.present.custody,
        "key": holding.present.key,
        "grant": holding.present.entry,
        "released": holding.released,
        "by_reset": holding.reset_at is not None,
        "grants": [{"key": grant.key, "custody": grant.custody, "grant": grant.entry} for grant in holding.grants],
    }


def _waiting(one: Pending) -> dict[str, Any]:
    """A claim or reset that waits, and when it comes into force unless the holder refuses it."""
    due = times.format_recorded(times.parse_recorded(one.since) + WAIT)
    return {
        "statement": one.id,
        "key": one.grant.key,
        "since": one.since,
        "in_force_from": due,
        "reset": one.reset,
    }
