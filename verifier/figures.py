"""Reports, made and made again from the entries of a log that is not trusted (``ledger.report``).

A report is counted from the leaves below one checkpoint. Those leaves are read once, and before anything is counted
they are proved to be under the checkpoint, which a pinned key has signed. ``check`` takes a report that somebody else
has made, reads what it was asked and the checkpoint that it names, counts again, and compares: the same bytes, or the
first figure that differs. What an audit asks besides (signatures of parties, who may say what) a report does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ledger import report
from ledger.checkpoint import check_checkpoint
from ledger.errors import Disproved, Invalid, Malformed, Unknown
from ledger.note import VKey
from ledger.report_ask import Ask, parse_ask
from ledger.reports import spooled
from ledger.reports.pieces import Leaves
from ledger.reports.spooled import Work
from verifier.findings import Finding, Verdict
from verifier.source import TILE_WIDTH, Source

MAX_REPORT = 256 * 1024 * 1024
"""Bytes of a report: twenty thousand groups."""


@dataclass(frozen=True, slots=True)
class Below:
    """Opens a source, to be read up to the end of its newest entry bundle: of its last one a log serves only that."""

    open: Callable[[], Source]
    newest: int

    def __call__(self) -> Leaves:
        """The source, opened."""
        return _Whole(self.open(), self.newest)


@dataclass(frozen=True, slots=True)
class _Whole:
    source: Source
    newest: int

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        end = min(self.newest, -(-stop // TILE_WIDTH) * TILE_WIDTH)
        return islice(self.source.leaves(start, end), stop - start)

    def close(self) -> None:
        self.source.close()


def opened(open_it: Callable[[], Source], vkeys: tuple[VKey, ...]) -> tuple[str, Below]:
    """The newest note of a source, and what opens it for ``Work``.

    Raises ``Disproved`` for a checkpoint that no pinned key has signed.
    """
    source = open_it()
    try:
        note = source.checkpoint()
    finally:
        source.close()
    return note, Below(open_it, check_checkpoint(note, vkeys, vkeys[0].name).size)


def make(note: str, vkeys: tuple[VKey, ...], ask: Ask, work: Work) -> dict[str, Any]:
    """The report of what stands below a signed checkpoint.

    Raises ``Disproved`` for a checkpoint that no pinned key has signed, and for leaves that it was not signed over.
    """
    checkpoint = check_checkpoint(note, vkeys, vkeys[0].name)
    if checkpoint.size == 0:
        raise Unknown("an empty log has no report")
    return report.document(spooled.count(checkpoint, ask, work), checkpoint, note)


def check(raw: bytes, name: str, vkeys: tuple[VKey, ...], work: Work) -> Verdict:
    """The verdict on a report that was handed out: whether the log below its checkpoint gives the same bytes."""
    try:
        given = _read(raw)
        size = check_checkpoint(str(given["checkpoint"]), vkeys, vkeys[0].name).size
        if isinstance(work.open, Below) and work.open.newest < size:
            raise Unknown(f"the log has {work.open.newest} leaves here, the report rests on {size}")
        again = make(str(given["checkpoint"]), vkeys, _asked(given), work)
        if report.encode(again) == raw:
            return _proven(name, given)
        if given.get("disclosures") != again["disclosures"]:
            why = "the report rests on costs that were disclosed to whoever made it: give the same with --disclosures"
            return Verdict(name, (Finding("disclosures", why, disproved=False),))
        place, got, want = difference(given, again)
        return Verdict(name, (Finding("figure", f"{place}: the report says {got}, the entries give {want}"),))
    except Disproved as error:
        return Verdict(name, (Finding(error.check, error.message, error.index),))
    except (Malformed, Invalid) as error:
        return Verdict(name, (Finding("form", error.message + (f" (at {error.pointer})" if error.pointer else "")),))
    except Unknown as error:
        return Verdict(name, (Finding("version", error.message, disproved=False),))


def difference(given: Any, again: Any, place: str = "") -> tuple[str, str, str]:
    """The pointer of the first value that differs, in the order of names, and both values, cut short."""
    if isinstance(given, dict) and isinstance(again, dict):
        names = sorted(given.keys() | again.keys())
        name = next(one for one in names if one not in given or one not in again or given[one] != again[one])
        return difference(given.get(name), again.get(name), f"{place}/{name}")
    if isinstance(given, list) and isinstance(again, list):
        for number, (one, other) in enumerate(zip(given, again, strict=False)):
            if one != other:
                return difference(one, other, f"{place}/{number}")
        return place, f"{len(given)} rows", f"{len(again)} rows"
    return place or "/", _short(given), _short(again)


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)[:120]


def _read(raw: bytes) -> dict[str, Any]:
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("format"), str):
        raise Malformed("this is no report in JSON")
    if given["format"] != report.FORMAT:
        if given["format"].startswith("patina/report/"):
            raise Unknown(f"got a report of the format {given['format'][:40]}, this program knows {report.FORMAT}")
        raise Malformed(f"got the format {given['format'][:40]!r}, want {report.FORMAT}")
    if not isinstance(given.get("checkpoint"), str):
        raise Malformed("got a report that names no checkpoint")
    return given


def _asked(given: Mapping[str, Any]) -> Ask:
    asked = given.get("asked")
    if not isinstance(asked, dict):
        raise Malformed("got a report that does not say what was asked", "/asked")
    return parse_ask(asked)


def _proven(name: str, given: Mapping[str, Any]) -> Verdict:
    facts = {
        "origin": given["origin"],
        "size": given["size"],
        "as_of": given["as_of"],
        "period": given["asked"]["period"],
        "cases": given["figures"]["cases"],
    }
    notes = ("who signed what, and who may, is for `patina audit` to check",)
    return Verdict(f"report {name}: the entries below its checkpoint give the same bytes", (), facts, notes)
