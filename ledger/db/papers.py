"""Papers for customers: a receipt, an intake slip, a hand-over slip or a gift receipt, each one code for its items.

A paper is drawn as 16 secret bytes; its token is their base64url text, of which the hash is kept. The code of each of
its items, and of each case that is named with one, follows from the same bytes (``ledger.holderkey.paper_token``) and
is an ordinary code (``ledger.db.codes``), made in the same transaction. So what a paper opens falls item by item as
each changes hands, and nothing about levels is decided here.

An owner code is printed apart, by whoever still has it: only its public key is kept. What is kept of the print is how
often, so that no second print passes for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from ledger import holderkey, times
from ledger.db import tables
from ledger.db.codes import Codes, hash_of, mark_of, row_of, state_of
from ledger.db.connect import session
from ledger.db.draft import Row
from ledger.db.gate import Gate
from ledger.db.session import Insert, ask, fetch
from ledger.disclosure import format_base64url, parse_base64url
from ledger.errors import Refused
from ledger.state import State

KINDS: Final = {"sale": "view", "intake": "view", "handover": "view", "gift": "gift"}
"""Kinds of paper, and the kind of code that its items get."""
_FIND = "SELECT id, kind, party, created_at FROM paper WHERE hash = ? AND revoked_at IS NULL"
_ITEMS = "SELECT subject, of_case FROM paper_item WHERE paper = ? ORDER BY n"
_REVOKE = "UPDATE paper SET revoked_at = ? WHERE id = ? AND party = ? AND revoked_at IS NULL"
_REVOKE_CODES = (
    "UPDATE code SET revoked_at = ? WHERE revoked_at IS NULL AND id IN (SELECT c.code FROM paper_code c "
    "JOIN paper p ON p.id = c.paper WHERE p.id = ? AND p.party = ?)"
)
# Who comes first writes the row and waits for nobody; whoever comes after it waits for that row.
_PRINT = "INSERT INTO owner_print (code, number, first_at) VALUES (?, 0, ?) ON CONFLICT (code) DO NOTHING"
_PRINT_AGAIN = "UPDATE owner_print SET number = number + 1 WHERE code = ?"
_PRINTED = "SELECT number, first_at FROM owner_print WHERE code = ?"


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a paper with its code's ``token``, and the code of its case if the paper names one."""

    subject: str
    token: str
    case: str | None = None
    case_token: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper that was made: its ``kind``, whose it is, when, and its lines in order."""

    id: str
    kind: str
    party: str
    created_at: str
    lines: tuple[Line, ...]


class Papers:
    """The papers of one ledger; ``rand(n)`` gives n random bytes."""

    def __init__(
        self, engine: Engine, gate: Gate, codes: Codes, *, clock: Callable[[], int], rand: Callable[[int], bytes]
    ) -> None:
        self._engine, self._codes, self._clock, self._rand = engine, codes, clock, rand
        self._gate = gate

    def create(self, kind: str, party: str, items: Sequence[tuple[str, str | None]]) -> tuple[str, Paper]:
        """Make a paper of items, each with a case or ``None``, and the codes of all; its token is shown only now.

        Raises ``Refused``, pointing at the item, for a case that was not opened on it.
        """
        secret = self._rand(holderkey.SECRET_BYTES)
        token, paper_id, now = format_base64url(secret), self._rand(8).hex(), times.format_recorded(self._clock())
        paper = Paper(paper_id, kind, party, now, tuple(_line(secret, subject, case) for subject, case in items))
        rows = [(paper_id, number, line.subject, line.case) for number, line in enumerate(paper.lines)]
        digest = hash_of(token)
        with session(self._engine) as connection:
            connection.begin(write=False)
            states = {line.subject: state_of(connection, line.subject) for line in paper.lines}
        # Before the lock: a code's short code may be the first to ask for its key, which then is made under it.
        codes = self._codes_of(states, paper)
        with self._gate.own() as connection:
            connection.begin(write=True)
            inserts = [
                Insert(tables.paper, [(paper_id, digest, kind, party, now, None)]),
                Insert(tables.paper_item, rows),
                Insert(tables.paper_code, [(paper_id, row.values["id"]) for row in codes]),
                Insert(tables.code, [row_of(row) for row in codes]),
            ]
            connection.write(inserts)
            connection.commit()
        return token, paper

    def find(self, token: str) -> Paper | None:
        """The paper of a token, unless unknown, malformed or revoked, which look the same."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_FIND, hash_of(token))])[0]
            if not rows:
                return None
            items = fetch(connection, ask(_ITEMS, rows[0][0]))
        secret = parse_base64url(token)
        paper_id, kind, party, created_at = rows[0]
        lines = tuple(_line(secret, subject, case) for subject, case in items)
        return Paper(paper_id, kind, party, created_at, lines)

    def revoke(self, paper_id: str, party: str) -> bool:
        """Revoke a party's paper and the codes of its items and cases; return whether it was in force."""
        now = times.format_recorded(self._clock())
        with self._gate.own() as connection:
            connection.begin(write=True)
            steps = [(sql, (now, paper_id, party)) for sql in (_REVOKE, _REVOKE_CODES)]
            changed = connection.write([], *steps)
            connection.commit()
        return changed[0] == 1

    def count_prints(self, code_ids: Sequence[str]) -> list[tuple[int, str]]:
        """Count a print of the owner code drawn with each of these codes: which print it is, and when the first was."""
        now = times.format_recorded(self._clock())
        with self._gate.own() as connection:
            connection.begin(write=True)
            steps = [((_PRINT, (code_id, now)), (_PRINT_AGAIN, (code_id,))) for code_id in sorted(code_ids)]
            connection.write([], *(step for pair in steps for step in pair))
            counted = [fetch(connection, ask(_PRINTED, code_id))[0] for code_id in code_ids]
            connection.commit()
        return [(number, first_at) for number, first_at in counted]

    def _codes_of(self, states: Mapping[str, State | None], paper: Paper) -> list[Row]:
        """The rows of the codes of every line, marked with the holding that its item has now."""
        codes: list[Row] = []
        for number, line in enumerate(paper.lines):
            state = states[line.subject]
            holding = None if state is None else state.held.at(paper.created_at).holding
            made: list[tuple[str, str, str | None]] = [(line.token, KINDS[paper.kind], None)]
            if line.case is not None and line.case_token is not None:
                if state is None or line.case not in state.cases:
                    pointer = f"/items/{number}/case"
                    raise Refused("this case was not opened on this item", pointer, ("case.opened",))
                made.append((line.case_token, "case", line.case))
            for token, kind, case in made:
                own = {"case": case, "party": paper.party, "token": token}
                codes.append(self._codes.draft(line.subject, kind, mark_of(holding), **own)[1])
        return codes


def _line(secret: bytes, subject: str, case: str | None) -> Line:
    token = holderkey.paper_token(secret, subject)
    return Line(subject, token, case, None if case is None else holderkey.paper_token(secret, case))
