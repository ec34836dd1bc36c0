"""``patina sign``: sign a statement with keys of one's own, ready to be posted."""

from __future__ import annotations

import argparse
import secrets
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger import canonical, leaf, times
from ledger.asking import Asking, parse_asking, sign_asking
from ledger.dsse import SigningKey, sign_statement
from ledger.errors import Invalid, Malformed
from ledger.holderkey import holder_key, parse_owner_code
from verifier.cli.arguments import add_json, parser, read_file

_DESCRIPTION = """\
Read a statement (JSON; - for standard input), check its form, sign it, and print {"statement", "signatures"} as
POST /v1/statements takes it. Members that are given as options replace those of the file.

With --reading, what is read and signed is no statement but a holder's asking to read what is private in her own time:
{"ledger", "subject", "grant"}. It is good for five minutes, and POST /i/{token}/history takes it."""
_MAX_KEY_FILE = 200


def main(argv: Sequence[str]) -> int:
    """The exit code of ``patina sign`` with these words."""
    made = parser("sign", _DESCRIPTION, "patina sign to-sign.json --key workshop.key > signed.json")
    made.add_argument("statement", metavar="STATEMENT.json", type=Path)
    made.add_argument(
        "--key", metavar="FILE", type=Path, action="append", default=[],
        help="file of `patina keygen`; may be given again, a new key last",
    )  # fmt: skip
    made.add_argument(
        "--owner-code-file", metavar="FILE", type=Path,
        help="file with an owner code (22 or 26 characters): its key for the statement's item signs first",
    )  # fmt: skip
    made.add_argument("--id", metavar="URN", help="id of the statement; `new` makes one")
    made.add_argument("--occurred-at", metavar="TIME", help="when it happened; `now` is the present time")
    made.add_argument("--ledger", metavar="HEX", help="leaf hash of entry 0 of the ledger that it is for")
    made.add_argument("--reading", action="store_true", help="sign an asking to read, of now, with one key")
    add_json(made, "what is printed is JSON with and without it")
    options = made.parse_args(argv)
    value = canonical.decode_body(read_file(options.statement, leaf.MAX_STATEMENT * 2))
    if not isinstance(value, dict):
        raise Invalid("got no JSON object, want a statement")
    if options.reading:
        print(canonical.encode(_reading(value, options)).decode())
        return 0
    _fill(value, options.id, options.occurred_at, options.ledger)
    statement = leaf.statement_from(value)
    if unknown := leaf.check_details(statement):
        raise Invalid("got a member that this type does not have", unknown[0])
    body = leaf.statement_bytes(statement)
    signatures = [sign_statement(body, key) for key in _keys(options, statement.subjects[0])]
    print(canonical.encode({"statement": canonical.decode(body), "signatures": signatures}).decode())
    return 0


def _reading(value: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """An asking to read, signed."""
    if value.keys() != {"ledger", "subject", "grant"} or not all(isinstance(one, str) for one in value.values()):
        raise Invalid("want ledger, subject and grant, each a text, and nothing else")
    keys = _keys(options, value["subject"])
    if len(keys) > 1:
        raise Invalid("got several keys, want the one that speaks for the holder now")
    sent = sign_asking(Asking(at=times.format_recorded(time.time_ns() // 1000), **value), keys[0])
    parse_asking(sent)
    return sent


def _keys(options: argparse.Namespace, subject: str) -> list[SigningKey]:
    """The keys that sign, in order: that of the owner code for this subject first."""
    keys = [_key(path) for path in options.key]
    if options.owner_code_file is not None:
        # A file, because other users of the machine can read the words of a command.
        secret = parse_owner_code(_text(options.owner_code_file, "owner code"))
        keys.insert(0, holder_key(secret, subject))
    if not keys:
        raise Invalid("got neither --key nor --owner-code-file, want one or both")
    return keys


def _fill(value: dict[str, Any], statement_id: str | None, occurred_at: str | None, ledger: str | None) -> None:
    now = time.time_ns() // 1000
    if statement_id is not None:
        value["id"] = _new_id(now) if statement_id == "new" else statement_id
    if occurred_at is not None:
        value["occurred_at"] = times.format_recorded(now) if occurred_at == "now" else occurred_at
    if ledger is not None:
        value["ledger"] = ledger


def _new_id(now: int) -> str:
    """A UUIDv7 (RFC 9562 §5.7) of a time in microseconds."""
    number = (now // 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return uuid.UUID(int=number).urn


def _key(path: Path) -> SigningKey:
    try:
        seed = bytes.fromhex(_text(path, "key"))
    except ValueError:
        raise Malformed(f"got no key in {path}, want a file of `patina keygen`") from None
    return SigningKey.from_seed(seed)


def _text(path: Path, what: str) -> str:
    try:
        return read_file(path, _MAX_KEY_FILE).strip().decode("ascii")
    except UnicodeDecodeError:
        raise Malformed(f"got no {what} in {path}, want plain letters and digits") from None
