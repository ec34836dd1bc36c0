"""The record of erasures that is kept apart from the database, beside the guard files.

A backup that was taken before an erasure brings back what was erased, keys and all, and with it every table that says
so. This file does not come from a backup: one line for each statement and class of data, written and on the disk before
anything is destroyed. ``patina restore`` destroys again whatever stands here. It names statements and no content.

    {"at":"2026-11-01T08:00:00.000Z","class":"contact","statement":"urn:uuid:…","why":"request"}
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

NAME = "erased"
_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Line:
    """That a class of data of a statement was, or was about to be, destroyed."""

    statement: str
    kind: str
    why: str
    at: str


def add_lines(directory: Path, lines: Iterable[Line]) -> None:
    """Write lines to the record of a ledger's folder; they are on the disk when this returns."""
    text = b"".join(
        _encode({"statement": one.statement, "class": one.kind, "why": one.why, "at": one.at}) + b"\n" for one in lines
    )
    if not text:
        return
    file = os.open(directory / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, text)
        os.fsync(file)
    finally:
        os.close(file)


def read_lines(path: Path) -> Iterator[Line]:
    """Yield what a record says; a line that was cut short by a crash had destroyed nothing yet and is passed over."""
    if not path.exists():
        return
    for raw in path.read_bytes().splitlines():
        try:
            one = msgspec.json.decode(raw, type=dict[str, str])
            yield Line(one["statement"], one["class"], one["why"], one["at"])
        except (msgspec.DecodeError, KeyError):
            continue
