"""``patina demo``: a ledger with parties, items and histories worth looking at, through the same way in as any other.

    {"origin": …, "vkey": …, "operator": {"party", "api_key"}, "parties": [{"id", "name", "roles", "api_key"}],
     "items": [{"id", "token", "page"}]}

What is printed is kept in ``demo.json`` for its owner's eyes (mode 0600): API keys and view codes stand in the
database as hashes only, and `patina serve --announce` shows them again. For a demo, that is; `patina init` keeps none.
Only ``page`` is not kept: it is made of the token and the public URL of now, each time that it is printed.

With ``--year`` the story stands in a year of the three shops' lives, which ended at the last midnight (`api.cli.year`).
The same ``--seed`` on the same day says the same bytes; a seed that is a number is no secret, so no key of such a
ledger is one. What was asked for stands in ``demo.seed``, so that a demo that was stopped is finished as it was begun.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from api.cli import folder, init, terminal
from api.cli.announce import KEPT, item_page, read_demo
from api.cli.demo_cast import PARTS, Cast, read_story
from api.cli.year import made
from api.cli.year.made import Asked, seed_of
from api.cli.year.trade import ALL_PARTS
from api.rights import ADMIN, WRITE
from ledger import times
from ledger.db.founding import make_founding, new_urn
from ledger.db.ledger import Ledger, name_operator
from ledger.errors import Refused, Unavailable

ORIGIN = "patina.example/demo"
NAME = "Patina demo"
SEED = "demo.seed"
SEED_BYTES = 32
CASES = 60
"""Enough for every plot of the year, and told within seconds."""
MAX_CASES = 1_000_000
_OWN = frozenset({SEED})
VIEW = "view"


def main(argv: Sequence[str]) -> int:
    """Load the demo and print what one needs to use it; 0."""
    words = terminal.parser(
        "demo",
        "Make a ledger, unless the folder has one, and load a small demo: five parties, eight items with histories;\n"
        "with --year also what three shops did in a year, with cases of all kinds.",
        "patina demo --dir var --if-absent\n  patina demo --dir busy --year --cases 3000",
    )
    terminal.add_folder(words)
    words.add_argument("--if-absent", action="store_true", help="where a demo is loaded, only print what it is")
    words.add_argument("--origin", default=ORIGIN, metavar="O", help="of a new ledger (default: %(default)s)")
    words.add_argument("--year", action="store_true", help="tell a year of three shops, too")
    words.add_argument("--cases", type=_cases, default=CASES, metavar="N", help="of that year (default: %(default)s)")
    words.add_argument("--seed", type=int, metavar="N", help="of that year: the same on the same day, keys included")
    terminal.add_json(words)
    folder.add_clock(words)
    given = words.parse_args(argv)
    demo = read_demo(given.dir)
    if demo is not None and not given.if_absent:
        raise Refused(f"got {given.dir}, where the demo is loaded; --if-absent prints it again")
    if demo is None:
        found(given.dir, given.origin, given.cases if given.year else 0, given.seed)
        tell_year(given.dir)
        with folder.opened(given.dir, given) as ledger:
            demo = load(ledger)
    demo = demo | {"items": [item | {"page": item_page(_public_url(), item["token"])} for item in demo["items"]]}
    if given.json:
        terminal.answer(demo)
    else:
        print(in_words(demo))
    return 0


def _cases(text: str) -> int:
    """How many cases a year should have; raises `ValueError` unless it is one or more, and not a year of years."""
    number = int(text)
    if not 1 <= number <= MAX_CASES:
        raise ValueError(text)
    return number


def found(directory: Path, origin: str, cases: int = 0, number: int | None = None) -> None:
    """Make the demo's ledger, unless a run that was stopped has; raises `Refused` where a ledger is another's.

    The seed is written first: a ledger beside it is the demo's own. In any other, whose entries stay for ever,
    fictitious parties have no place.
    """
    if not folder.is_founded(directory):
        init.check_place(directory, origin, _OWN)
        directory.mkdir(parents=True, exist_ok=True)
        begun = _begun(directory, cases, number)
        asked = begun.year
        if asked is None:
            init.create(directory, origin, name=NAME, operator=NAME, beside=_OWN)
        else:
            init.create(directory, origin, name=NAME, operator=NAME, beside=_OWN, now=asked.began, rand=asked.rand)
    elif not (directory / SEED).exists():
        raise Refused(
            f"got {directory}, which holds a ledger that the demo did not make; "
            f"want a folder of its own: patina demo --dir {directory}-demo"
        )
    else:
        _finish_founding(directory, origin)


def _finish_founding(directory: Path, origin: str) -> None:
    """Register the operator, where the founding was stopped before that: by what an unbroken run would have said."""
    begun = _begun(directory)
    year = begun.year
    now, rand = (int(begun.moment.timestamp() * times.SECOND), os.urandom) if year is None else (year.began, year.rand)
    make_founding(origin, NAME, now, rand)  # draws what the founding drew: the id is what is drawn next
    name_operator(folder.database_url(directory), directory, folder.master_key(directory), (new_urn(rand), now, NAME))


def tell_year(directory: Path) -> None:
    """Tell the year that the demo of this folder was begun with, if it was with one; may be stopped and run again."""
    asked = _begun(directory).year
    if asked is None:
        return
    with terminal.progress("year", asked.lives) as advance:
        url, master = folder.database_url(directory), folder.master_key(directory)
        made.play(url, directory, master, asked, advance=advance, beside=True)


def load(ledger: Ledger) -> dict[str, Any]:
    """Say everything that is not said yet, make keys and codes, keep and return what to print."""
    if (ledger.directory / KEPT).exists():
        raise Refused(f"got {ledger.directory}, where the demo is loaded")
    begun = _begun(ledger.directory)
    cast = Cast(ledger, begun.seed, begun.moment)
    story = read_story(cast)
    parts = PARTS if begun.year is None else ALL_PARTS
    with terminal.progress("demo", len(parts) + len(story)) as advance:
        parties = []
        for name, part in parts.items():
            party = cast.party(name) if name in PARTS else cast.new_id(name)
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


@dataclass(frozen=True, slots=True)
class Begun:
    """What a demo was begun with: its seed, the moment of its first run, and the number of cases of its year, or 0."""

    seed: bytes = field(repr=False)
    moment: datetime
    cases: int

    @property
    def year(self) -> Asked | None:
        """The year to tell, if there is one."""
        return Asked(self.seed, self.cases, int(self.moment.timestamp()) * times.SECOND) if self.cases else None


def _begun(directory: Path, cases: int = 0, number: int | None = None) -> Begun:
    """What the demo was begun with: made of these on its first run, and read on any other."""
    path = directory / SEED
    if not path.exists():
        seed = os.urandom(SEED_BYTES) if number is None else seed_of(number)
        # A year ends with the day before: whoever tells it again today tells the same.
        moment = f"{folder.now_text()[:10]}T00:00:00.000Z" if cases else folder.now_text()
        terminal.keep_private(path, f"{seed.hex()} {moment} {cases}")
    try:
        kept, moment, cases_kept = path.read_text("ascii").split()
        return Begun(bytes.fromhex(kept), datetime.fromisoformat(moment), int(cases_kept))
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
