"""``patina demo``: a ledger with parties, items and histories worth looking at, through the same way in as any other.

    {"origin": …, "vkey": …, "operator": {"party", "api_key"}, "parties": [{"id", "name", "roles", "api_key"}],
     "items": [{"id", "token", "page"}]}

What is printed is kept in ``demo.json`` for its owner's eyes (mode 0600): API keys and view codes stand in the
database as hashes only, and `patina serve --announce` shows them again. For a demo, that is; `patina init` keeps none.
Only ``page`` is not kept: it is made of the token and the public URL of now, each time that it is printed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from api.cli import folder, init, terminal
from api.cli.announce import KEPT, item_page, read_demo
from api.cli.demo_cast import PARTS, Cast, read_story
from api.rights import ADMIN, WRITE
from ledger.db.ledger import Ledger
from ledger.errors import Refused, Unavailable

ORIGIN = "patina.example/demo"
NAME = "Patina demo"
SEED = "demo.seed"
SEED_BYTES = 32
_OWN = frozenset({SEED})
VIEW = "view"


def main(argv: Sequence[str]) -> int:
    """Load the demo and print what one needs to use it; 0."""
    words = terminal.parser(
        "demo",
        "Make a ledger, unless the folder has one, and load a small demo: five parties and eight items with histories.",
        "patina demo --dir var --if-absent",
    )
    terminal.add_folder(words)
    words.add_argument("--if-absent", action="store_true", help="where a demo is loaded, only print what it is")
    words.add_argument("--origin", default=ORIGIN, metavar="O", help="of a new ledger (default: %(default)s)")
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    demo = read_demo(given.dir)
    if demo is not None and not given.if_absent:
        raise Refused(f"got {given.dir}, where the demo is loaded; --if-absent prints it again")
    if demo is None:
        found(given.dir, given.origin)
        with folder.opened(given.dir, given) as ledger:
            demo = load(ledger)
    demo = demo | {"items": [item | {"page": item_page(_public_url(), item["token"])} for item in demo["items"]]}
    if given.json:
        terminal.answer(demo)
    else:
        print(in_words(demo))
    return 0


def found(directory: Path, origin: str) -> None:
    """Make the demo's ledger, unless a run that was stopped has; raises `Refused` where a ledger is another's.

    The seed is written first: a ledger beside it is the demo's own. In any other, whose entries stay for ever,
    fictitious parties have no place.
    """
    if not folder.holds_ledger(directory):
        init.check_place(directory, origin, _OWN)
        directory.mkdir(parents=True, exist_ok=True)
        _seed(directory)
        init.create(directory, origin, name=NAME, operator=NAME, beside=_OWN)
    elif not (directory / SEED).exists():
        raise Refused(
            f"got {directory}, which holds a ledger that the demo did not make; "
            f"want a folder of its own: patina demo --dir {directory}-demo"
        )


def load(ledger: Ledger) -> dict[str, Any]:
    """Say everything that is not said yet, make keys and codes, keep and return what to print."""
    if (ledger.directory / KEPT).exists():
        raise Refused(f"got {ledger.directory}, where the demo is loaded")
    cast = Cast(ledger, *_seed(ledger.directory))
    story = read_story(cast)
    with terminal.progress("demo", len(PARTS) + len(story)) as advance:
        parties = []
        for name, part in PARTS.items():
            party = cast.party(name)
            key = ledger.access.create_api_key(party, [WRITE], "demo")
            parties.append({"id": party, "name": part.name, "roles": list(part.roles), "api_key": key})
            advance()
        items = []
        for told in story:
            item = cast.tell(told)
            token = ledger.codes.create(item, VIEW)
            items.append({"id": item, "token": token})
            advance()
    operator = {"party": ledger.operator, "api_key": ledger.access.create_api_key(ledger.operator, [ADMIN], "demo")}
    demo = {"origin": ledger.origin, "vkey": ledger.vkeys[0], "operator": operator, "parties": parties, "items": items}
    terminal.keep_private(ledger.directory / KEPT, json.dumps(demo, ensure_ascii=False, indent=1))
    return demo


def _seed(directory: Path) -> tuple[bytes, datetime]:
    """The demo's seed and the moment of its first run, made on the first and read on any other."""
    path = directory / SEED
    if not path.exists():
        terminal.keep_private(path, f"{os.urandom(SEED_BYTES).hex()} {folder.now_text()}")
    try:
        seed, moment = path.read_text("ascii").split()
        return bytes.fromhex(seed), datetime.fromisoformat(moment)
    except ValueError:
        raise Unavailable(f"got {path} that does not parse; remove {directory} and load the demo again") from None


def _public_url() -> str:
    """Where `make run` serves, unless told otherwise."""
    return os.environ.get("PATINA_PUBLIC_URL") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


def in_words(demo: dict[str, Any]) -> str:
    """The demo as a text for people."""
    parties = [
        ("operator", "operator", demo["operator"]["api_key"]),
        *((party["name"], " ".join(party["roles"]), party["api_key"]) for party in demo["parties"]),
    ]
    items = ((item["id"], item["page"]) for item in demo["items"])
    return "\n".join(
        [
            f"ledger  {demo['origin']}",
            f"vkey    {demo['vkey']}",
            "",
            terminal.table(("party", "roles", "API key (of this demo only)"), parties),
            "",
            terminal.table(("item", "page"), items),
        ]
    )
