"""Opening a ledger's folder from the command line, and saying things in it through the one way in.

A command that writes is a second appender beside a server that may be running: `ledger.db` takes the same lock. The
statements are signed by keys in the service's custody, or come signed in a file.
"""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api import private_in
from ledger import dsse, leaf, times
from ledger.db import ledger as ledgers
from ledger.db import master
from ledger.db.append import Accepted, Draft
from ledger.db.ledger import Ledger, open_ledger
from ledger.db.master import master_of
from ledger.db.secret import KeyKeeper
from ledger.dsse import SigningKey
from ledger.errors import Malformed, PatinaError, Unavailable
from ledger.leaf import Signature

CLOCK = "--accept-clock"
DATABASE_NAME = "PATINA_DATABASE_URL"
MASTER_KEY = master.NAME
DATABASE = "ledger.sqlite3"


def add_clock(words: ArgumentParser) -> None:
    """Add ``--accept-clock``, the operator's answer where a ledger slept for more than a day (format.md §4)."""
    words.add_argument(
        CLOCK,
        action="store_true",
        help="this machine's clock is right, although the last leaf is more than a day old",
    )


def now_us() -> int:
    """Microseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1000


def now_text() -> str:
    """This moment as statements write it."""
    return times.format_recorded(now_us())


def database_url(folder: Path) -> str:
    """Where the ledger of a folder is kept: ``PATINA_DATABASE_URL``, or the SQLite file in it."""
    return os.environ.get(DATABASE_NAME) or f"sqlite:///{(folder / DATABASE).resolve()}"


def holds_ledger(folder: Path) -> bool:
    """Whether a folder has a ledger: its SQLite file, or a guard beside a PostgreSQL database."""
    guard = folder / "guard"
    return (folder / DATABASE).exists() or (guard.is_dir() and any(guard.iterdir()))


def is_founded(folder: Path, url: str | None = None) -> bool:
    """Whether a folder's ledger has its first commit; a founding that was stopped before it is begun again."""
    return holds_ledger(folder) and ledgers.is_founded(url or database_url(folder))


def master_key(folder: Path) -> KeyKeeper:
    """The master key of the environment, or of the folder's own file; raises `Unavailable` where there is none."""
    return master_of(os.environ, folder)


def open_here(folder: Path, *, accept_clock: bool = False, url: str | None = None) -> Ledger:
    """Open the ledger of a folder; raises `Unavailable`, saying why, where that may not be."""
    return open_ledger(
        url or database_url(folder),
        directory=folder,
        master=master_key(folder),
        clock=now_us,
        accept_clock=accept_clock,
    )


@contextmanager
def opened(folder: Path, given: Namespace | None = None, *, url: str | None = None) -> Iterator[Ledger]:
    """The ledger of a folder while the block runs; `given` are the words of a command that writes."""
    ledger = open_here(folder, accept_clock=bool(given and given.accept_clock), url=url)
    try:
        yield ledger
    finally:
        ledger.close()


def write(ledger: Ledger, groups: Sequence[Sequence[Draft]]) -> list[list[Accepted | PatinaError]]:
    """Append groups of drafts in one commit; raises the ledger's own `Unavailable` where it signs nothing at all."""
    outcomes = ledger.writer.append(groups)
    for outcome in outcomes[0] if outcomes else []:
        if isinstance(outcome, Unavailable):
            hint = f": {CLOCK}" if "clock" in outcome.message else ""
            raise Unavailable(outcome.message + hint)
    return outcomes


def last_recorded(ledger: Ledger) -> int:
    """When the last leaf was recorded, in microseconds since 1970."""
    raw = ledger.reader.leaf(ledger.reader.size() - 1)
    assert raw is not None, "the last leaf of a checkpoint is there"
    return times.parse_recorded(leaf.parse_leaf(raw).recorded_at)


def say(ledger: Ledger, *drafts: Draft) -> list[Accepted]:
    """Append drafts as one atomic group; raises what the first of them was refused for."""
    (outcomes,) = write(ledger, [drafts])
    accepted = []
    for outcome in outcomes:
        if isinstance(outcome, PatinaError):
            raise outcome
        accepted.append(outcome)
    return accepted


def new_uuid(at_us: int) -> str:
    """A urn:uuid of version 7 (RFC 9562 §5.7): 48 bits of milliseconds and 74 random ones."""
    digits = (at_us // 1000 & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    digits &= ~(0xF << 76 | 0x3 << 62)
    text = f"{digits | 7 << 76 | 2 << 62:032x}"
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def draft(value: dict[str, Any], signers: Sequence[SigningKey], given: private_in.Given | None = None) -> Draft:
    """A statement checked and signed by keys that this process holds, in that order; raises `Invalid`."""
    statement = leaf.statement_from(value)
    leaf.check_details(statement)
    statement = private_in.digested(statement, given)
    body = leaf.statement_bytes(statement)
    signed = [dsse.sign_statement(body, key) for key in signers]
    signatures = tuple(Signature(one["key"], one["sig"]) for one in signed)
    return Draft(statement=statement, body=body, signatures=signatures, verified=True)


def draft_private(
    ledger: Ledger, value: dict[str, Any], signers: Sequence[SigningKey], private: dict[str, Any]
) -> Draft:
    """The same with private members, which are kept with the statement; a repeat is known by their values."""
    given = private_in.take({"private": private}, value, ledger.vault)
    return private_in.kept(draft(value, signers, given), given, ledger.vault)


def read_signed(path: Path) -> tuple[dict[str, Any], list[Signature]]:
    """A file ``{"statement", "signatures"}`` as `patina sign` writes it; raises `Malformed` or `Unavailable`."""
    try:
        value = json.loads(path.read_bytes())
        statement, signatures = value["statement"], [Signature(one["key"], one["sig"]) for one in value["signatures"]]
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed(f'got {path}, want JSON with "statement" and "signatures"') from None
    if not isinstance(statement, dict):
        raise Malformed(f'got a "statement" in {path} that is no object')
    return statement, signatures


def check_signed(value: dict[str, Any], signatures: Sequence[Signature]) -> Draft:
    """The draft of a statement that others signed, each signature verified; raises `Invalid`."""
    statement = leaf.statement_from(value)
    leaf.check_details(statement)
    body = leaf.statement_bytes(statement)
    for signature in signatures:
        dsse.check_signature(signature.key, body, signature.sig)
    return Draft(statement=statement, body=body, signatures=tuple(signatures), verified=True)


def value_of(ledger: Ledger, party: str, kind: str, subjects: Sequence[str], details: dict[str, Any]) -> dict[str, Any]:
    """A statement by a party as JSON, of now, not signed."""
    return {
        "id": new_uuid(now_us()),
        "type": kind,
        "ledger": ledger.id,
        "subjects": list(subjects),
        "party": party,
        "occurred_at": now_text(),
        "details": details,
    }


@dataclass(frozen=True, slots=True)
class Voice:
    """A party whose key is in custody, able to say things; its repr shows no key."""

    ledger: Ledger
    party: str
    key: SigningKey = field(repr=False)

    @classmethod
    def of(cls, ledger: Ledger, party: str) -> Voice:
        """The voice of a party; raises `Unavailable` where no key in force is in custody."""
        key = ledger.access.party_signer(party)
        if key is None:
            raise Unavailable(f"got no key of {party} in custody: it must sign itself (patina sign)")
        return cls(ledger, party, key)

    def value(self, kind: str, subjects: Sequence[str], details: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A statement by this party as JSON, of now unless `more` says ``occurred_at``."""
        return value_of(self.ledger, self.party, kind, subjects, details) | more

    def draft(self, kind: str, subjects: Sequence[str], details: dict[str, Any], **more: Any) -> Draft:
        """The same, signed by this party's key."""
        return draft(self.value(kind, subjects, details, **more), [self.key])
