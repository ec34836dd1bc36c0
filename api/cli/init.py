"""``patina init``: a folder becomes a ledger, with its master key, its database, entry 0 and a seal."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from api.cli import folder, terminal
from api.rights import ADMIN
from ledger.db import guard, lock
from ledger.db.ledger import create_ledger
from ledger.db.master import from_env
from ledger.db.secret import MasterKey
from ledger.errors import Invalid, Refused

# A host and a path, as C2SP asks of origins that are meant to be unique; no scheme, no plus sign, no spaces.
_ORIGIN = re.compile(r"[A-Za-z0-9._~-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*")
MAX_ORIGIN = 200
_STOPPED = frozenset(
    {folder.MASTER_KEY, lock.NAME, guard.DIRECTORY, *(folder.DATABASE + more for more in ("", "-wal", "-shm"))}
)


def main(argv: Sequence[str]) -> int:
    """Make a ledger, print its vkey and the operator's API key; 0."""
    words = terminal.parser(
        "init",
        "Make a new ledger in a folder. The operator's API key is shown once, and the vkey is what readers pin.",
        "patina init --dir var --origin ledger.example/main --name 'Example ledger'",
    )
    terminal.add_folder(words)
    words.add_argument("--origin", required=True, metavar="O", help="the log's name for ever: a host and a path")
    words.add_argument("--name", help="what people call the ledger (default: the origin)")
    words.add_argument("--operator", metavar="NAME", help="name of the operator's own party (default: --name)")
    words.add_argument(
        "--database-url", metavar="U", help="a PostgreSQL database instead of a SQLite file in the folder"
    )
    terminal.add_json(words)
    given = words.parse_args(argv)
    made = create(given.dir, given.origin, name=given.name, operator=given.operator, database_url=given.database_url)
    if given.json:
        terminal.answer(made)
        return 0
    print(f"ledger   {made['origin']} in {given.dir}")
    print(f"vkey     {made['vkey']}")
    print(f"party    {made['operator']['party']} (the operator)")
    print(f"API key  {made['operator']['api_key']} (shown only now)")
    if given.database_url:
        print(f"set {folder.DATABASE_NAME} to the same address for every other command")
    return 0


def create(
    directory: Path,
    origin: str,
    *,
    name: str | None = None,
    operator: str | None = None,
    database_url: str | None = None,
    beside: frozenset[str] = frozenset(),
    now: int | None = None,
    rand: Callable[[int], bytes] = os.urandom,
) -> dict[str, Any]:
    """Make the ledger; return ``{"origin", "vkey", "operator": {"party", "api_key"}}``.

    `now` (µs) and `rand` are a demo's: the moment of its founding, and where its keys come from. Raises what
    `check_place` does.
    """
    url = database_url or folder.database_url(directory)
    check_place(directory, origin, beside, url)
    directory.mkdir(parents=True, exist_ok=True)
    master = from_env(os.environ)
    if master is None:
        kept = directory / folder.MASTER_KEY
        # A key that an init left behind when it was interrupted has wrapped nothing yet, or only what it opens.
        master = MasterKey.from_file(kept) if kept.exists() else MasterKey.create(kept)
    vkey = create_ledger(
        url,
        directory=directory,
        origin=origin,
        name=name or origin,
        now=folder.now_us() if now is None else now,
        rand=rand,
        master=master,
        operator_name=operator or name or origin,
    )
    with folder.opened(directory, url=url) as ledger:
        secret = ledger.access.create_api_key(ledger.operator, [ADMIN], "operator")
        return {"origin": origin, "vkey": vkey, "operator": {"party": ledger.operator, "api_key": secret}}


def check_place(directory: Path, origin: str, beside: frozenset[str] = frozenset(), url: str | None = None) -> None:
    """Raise `Invalid` for an origin out of form, and `Refused` unless the folder is new or empty.

    The files named in `beside` are the caller's own. What an init leaves that was stopped before the first commit
    (a master key, a database without a ledger) is no hindrance: the next one goes on from there.
    """
    if _ORIGIN.fullmatch(origin) is None or len(origin) > MAX_ORIGIN:
        raise Invalid(f"got origin {origin[:MAX_ORIGIN]!r}, want a host and a path such as ledger.example/main")
    if folder.is_founded(directory, url):
        raise Refused(f"got {directory}, which holds a ledger; want an empty or a new folder")
    if not directory.exists():
        return
    if not directory.is_dir():
        raise Refused(f"got {directory}, which is a file; want an empty or a new folder")
    held = sorted({path.name for path in directory.iterdir()} - beside - _STOPPED)
    if held:
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        raise Refused(f"got {directory}, which holds {held[0]}{more}; want an empty or a new folder")
