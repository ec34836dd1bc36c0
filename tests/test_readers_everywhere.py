"""No other address shows a private member to whom histories do not: every GET by every reader, and what is pushed.

Addresses are taken from the running service, so that one that comes later is asked too. What each reader may see is the
table of ``tests/test_readers.py``; whatever else is private must be in no answer, paper, report or webhook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from api.reporting import make_due
from ledger.shortcode import short_of
from tests import paper_reading, scanner
from tests.build import uuid
from tests.console import open_console
from tests.reading import CASE, OPENED, OTHER, Ring, open_ring
from tests.shop import segment
from tests.telling import Post, hook, tell
from tests.test_readers import JEWELLER, TABLE

CODES = {"view code": ("view", None), "gift code": ("gift", None), "code of the case": ("case", CASE)}
PARTIES = ("bench", "stranger", "granted", "ungranted", "operator")
TELLS_NOTHING = {"EUR"}
LONG = 7
"""Letters that no signature has by chance."""
LATER = "of a case that webhooks hear of"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with open_console(tmp_path_factory.mktemp("ring")) as shop:
        yield open_ring(shop)


def values(seen: Any) -> set[str]:
    """The texts in members, however deep, that tell something."""
    if isinstance(seen, str):
        return {seen} - TELLS_NOTHING
    inside = seen.values() if isinstance(seen, Mapping) else seen
    return {value for one in inside for value in values(one)}


ALL = values(JEWELLER) | {"31.70"}
"""What is private about the ring; the workshop's cost is its own."""


def hidden_from(who: str) -> set[str]:
    row = TABLE[who]
    assert not isinstance(row, int)
    return ALL - values(row)


def addresses(ring: Ring, code: str) -> set[str]:
    """Every address that is read by GET, with whatever there is to ask for in it."""
    item = segment(ring.item)
    ids = {"/v1/statements/": ring.said, "/v1/cases/": (CASE, OTHER), "/v1/parties/": (uuid("jeweller"),)}
    found = {"/v1/items?q=ring", "/v1/cases?closed=false", "/v1/maintenance?until=2030-01-01"}
    for route in ring.shop.app.state.routes:
        if "GET" in (route.methods or ()):
            path = route.path.replace("{id:path}", item).replace("{subject:path}", item).replace("{token}", code)
            path = path.replace("{short_code}", short_of(code)).replace("{party}", uuid("jeweller")[9:])
            path = path.replace("/01/{gtin}/21/{serial}", ring.item.removeprefix("https://id.gs1.org"))
            one_of = next((some for start, some in ids.items() if path.startswith(start)), [""])
            found |= {path.replace("{id}", segment(one)) for one in one_of}
    return {path.replace("{statement}", segment(one)) for path in found for one in ring.said}


def said(answer: Any) -> str:
    """What an answer says; a PDF by its text."""
    if answer.headers.get("content-type") == "application/pdf":
        return "\n".join(paper_reading.texts(answer.content))
    return str(answer.text)


def tells(text: str, value: str) -> bool:
    """Whether an answer has a value, as it is or inside a disclosure (base64url)."""
    if len(value) < LONG:
        return value in text
    return any(one in text.encode() for one in (value.encode(), *scanner.spellings(value)))


@pytest.mark.parametrize("who", [*CODES, *PARTIES])
def test_no_address_shows_what_histories_do_not(ring: Ring, who: str) -> None:
    caller = ring.shop.operator if who == "operator" else ring.shop.parties.get(who)
    code, hidden = ring.code(*CODES.get(who, ("view", None))), hidden_from(who)
    ring.shop.clock.pass_hours(2)  # what others asked in vain is forgotten
    asked = {path: ring.shop.get(path, caller) for path in addresses(ring, code)}
    assert 429 not in {answer.status_code for answer in asked.values()}
    answers = {path: said(answer) for path, answer in asked.items()}
    shown = {path: [value for value in hidden if tells(text, value)] for path, text in answers.items()}
    assert {path: found for path, found in shown.items() if found} == {}
    told = {value for value in ALL - hidden for text in answers.values() if tells(text, value)}
    assert bool(told) == bool(ALL - hidden), "what it may see is found where it stands"


def test_no_report_and_no_webhook_has_a_private_member(ring: Ring) -> None:
    shop, post = ring.shop, Post()
    for party in shop.parties.values():
        hook(shop, party, "*")
        asked = shop.post("/v1/reports", {"period": "all", "by": ["staff", "responsible"]}, party)
        assert asked.status_code == 202, asked.text
    tell(shop)
    ring.told("later", "jeweller", "case.opened", OPENED, {"description": LATER}, case=uuid("later"))
    tell(shop, post)
    assert {"case.opened"} == set(post.types)
    assert make_due(shop.ledger, workers=0) == len(shop.parties)
    texts = [raw.decode() for _, _, _, raw in post.calls]
    for party in shop.parties.values():
        made = [one["id"] for one in shop.get("/v1/reports", party).json()["reports"]]
        assert made
        answers = [
            shop.get(f"/v1/reports/{one}?format={form}", party) for one in made for form in ("json", "csv", "svg")
        ]
        assert {answer.status_code for answer in answers} == {200}
        texts += [answer.text for answer in answers]
    assert [value for value in (*ALL, LATER) for text in texts if tells(text, value)] == []
