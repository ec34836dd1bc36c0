"""Every receipt of a run, checked as its receiver would: offline, with nothing but the vkey that was pinned before.

Beyond what one receipt proves, they are held against one another and against what was sent: as many receipts as
answers, each of a statement that was sent, with the bytes that were signed, no statement and no index twice. Two
processes that took one place of the log would be found here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ledger import leaf
from ledger.errors import PatinaError
from ledger.note import parse_vkey
from ledger.receipt import check_receipt, parse_receipt


def check_all(answers: Path, vkey: str, sent: Sequence[str], count: int) -> int:
    """How many receipts, all valid, `answers` holds, one a line; raises `RuntimeError` with the first that is not.

    `sent` are the bodies of the requests, each with its statement; `count` is how many answers there were.
    """
    pinned = [parse_vkey(vkey)]
    statements = {value["id"]: value for value in (json.loads(body)["statement"] for body in sent)}
    indexes: set[int] = set()
    with answers.open("rb") as lines:
        for line in lines:
            try:
                proved = check_receipt(parse_receipt(line), pinned)
            except PatinaError as error:
                raise RuntimeError(f"got an answer that is no valid receipt: {error.message}: {line[:200]!r}") from None
            entry = proved.entry
            wanted = statements.pop(entry.statement.id, None)
            if wanted is None or json.loads(leaf.statement_bytes(entry.statement)) != wanted:
                raise RuntimeError(f"got a receipt of {entry.statement.id}, which was not sent so, or two of it")
            indexes.add(entry.index)
    checked = len(sent) - len(statements)
    if len(indexes) != checked or checked < count:
        raise RuntimeError(f"got {count} answers, {checked} receipts and {len(indexes)} indexes, want as many of each")
    return checked
