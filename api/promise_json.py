"""Deadlines, rights and standards as JSON: what ``ledger.measure``, ``ledger.rights`` and ``ledger.standard`` say."""

from __future__ import annotations

from typing import Any

from ledger import times
from ledger.caseload import Judged
from ledger.entitlement import Entitlement
from ledger.measure import Measure
from ledger.rights import Right
from ledger.standard import Standard
from ledger.standard_figures import Span


def describe_judged(judged: Judged, now: int) -> dict[str, Any]:
    """The members of a case that say what it is judged by: whose it is, the standard, and its deadlines."""
    return {
        "party": judged.party,
        "standard": describe_ids(judged.standard),
        "deadlines": [_deadline(one, judged.standard, now) for one in judged.measures],
    }


def describe_entitlement(found: Entitlement) -> dict[str, Any]:
    """The rights of an item in force, and by whose promise and standard."""
    return {
        "party": found.party,
        "standard": describe_ids(found.standard),
        "in_force": [_right(one, found.standard) for one in found.rights],
    }


def describe_ids(standard: Standard | None) -> list[dict[str, str]] | None:
    """The names and versions of a standard, or of those that are read as one; ``None`` without any."""
    return None if standard is None else [{"standard": name, "version": version} for name, version in standard.ids]


def moment(time: int | None) -> str | None:
    """A time in microseconds as statements write it."""
    return None if time is None else times.format_recorded(time)


def _deadline(one: Measure, standard: Standard | None, now: int) -> dict[str, Any]:
    limit = one.limit
    return {
        "clock": one.clock,
        "run": one.run,
        "started_at": moment(one.started_at),
        "within": None if limit is None else _span(limit.within),
        "average": limit is not None and limit.average,
        "source": None if limit is None or standard is None else standard.source(limit.source),
        "due_at": moment(one.due_at),
        "warn_at": moment(one.warn_at),
        "published_at": moment(one.published_at),
        "stopped_at": moment(one.stopped_at),
        "standing": one.standing(now),
        "extensions": list(one.extensions),
        "provisional": one.provisional,
    }


def _span(span: Span) -> dict[str, int]:
    return {span.unit: span.count}


def _right(one: Right, standard: Standard | None) -> dict[str, Any]:
    return {
        "right": one.right,
        "rule": one.rule,
        "source": one.source if standard is None else standard.source(one.source),
        "rests": list(one.rests),
        "since": None if one.since is None else one.since.isoformat(),
        "until": None if one.until is None else one.until.isoformat(),
        "due": None if one.due is None else one.due.isoformat(),
        "case": one.case,
    }
