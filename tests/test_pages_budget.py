"""What an item's page costs: bytes on the wire, and work on the server beside the check that nobody can spare.

No test looks at a clock on the wall: bytes are counted, and work is measured against the same work of the same process
at the same time. The figures themselves are in docs/performance.md.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import pytest

from api.pages.catalogue import LANGUAGES
from api.pages.item_page import verify
from api.routes import pages
from api.site import Site
from tests.browser import needs_library
from tests.build import uuid
from tests.shop import RING, Party, Shop, open_shop

BUDGET = 60_000
"""Bytes of an item page with all that it fetches, compressed, without photographs."""
ENTRIES = 20
PARTS = 8
"""How many times as long as the check of the same history a page may take to make, the check included."""


@dataclass(frozen=True)
class Counter:
    """A shop with a ring that has a history of ``ENTRIES`` records, and the token of its code."""

    shop: Shop
    token: str


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        jeweller = shop.party("Jeweller", "retailer", "repairer", "certifier")
        fill(shop, jeweller, RING, ENTRIES)
        yield Counter(shop, shop.code(jeweller, RING))


def fill(shop: Shop, jeweller: Party, item: str, count: int) -> None:
    """Write the life of an item: what it is, a certificate, a sale, and repairs with all that belongs to them."""
    life: list[tuple[str, dict[str, object], str | None]] = [
        ("item.registered", {"name": "Solitaire ring", "category": "jewellery", "materials": ["Au750"]}, None),
        ("authentication.certified", {"certificate_no": "L-1", "result": "authentic", "methods": ["loupe"]}, None),
        ("item.sold", {"channel": "store", "warranty_months": 24}, None),
    ]
    number = 0
    while len(life) < count:
        number += 1
        case = uuid(f"case {number} of {item}")
        steps: list[tuple[str, dict[str, object]]] = [
            ("case.opened", {"kind": "repair", "channel": "store", "issue": "quality", "fault": "prong_loose"}),
            ("case.received", {"evidence": {"weight_g": "3.62", "stones": 1, "hallmark": "Au750"}}),
            ("case.diagnosed", {"findings": "one prong is bent", "responsible": "none", "in_warranty": True}),
            ("repair.completed", {"work": ["re-tip prong"], "tests": [{"name": "stone tight", "result": "pass"}]}),
            ("case.handed_over", {"check": "id", "evidence": {"weight_g": "3.62"}}),
            ("case.closed", {"outcome": "resolved"}),
        ]
        life += [(kind, details, case) for kind, details in steps]
    for kind, details, of in life[:count]:
        shop.say(jeweller, kind, item, details, **({} if of is None else {"case": of}))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", ["native", pytest.param("library", marks=needs_library)])
def test_an_item_page_and_all_that_it_fetches_fit_the_budget(counter: Counter, way: str, language: str) -> None:
    path = f"/i/{counter.token}"
    page = counter.shop.get(path, accept_language=language)
    script, *_ = re.findall(r'<script type="module" src="([^"]+)"', page.text)
    fetched = {script, *re.findall(r'<(?:link rel="(?:icon|stylesheet)" href|img\b[^>]* src)="([^"]+)"', page.text)}
    if way == "library":
        later = re.findall(r'\bimport\("\./([^"]+)"\)', counter.shop.get(script).text)
        assert later, "what a browser without Ed25519 fetches besides"
        fetched |= {urljoin(script, name) for name in later}
    assert {one.split("?")[0] for one in fetched} >= {"/static/patina.css", f"{path}/qr.svg", script}
    sizes = {one: wire(counter.shop, one, language) for one in (path, *sorted(fetched))}
    assert all(sizes.values())
    assert sum(sizes.values()) <= BUDGET, sizes


def wire(shop: Shop, path: str, language: str) -> int:
    """The bytes of a body as they are sent."""
    headers = {"Accept-Encoding": "gzip", "Accept-Language": language}
    with shop.client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        return sum(len(part) for part in answer.iter_raw())


def test_who_takes_no_gzip_gets_the_same_page_as_it_is(counter: Counter) -> None:
    path = f"/i/{counter.token}"
    packed = counter.shop.get(path, accept_encoding="gzip")
    for accepted in ("identity", "gzip;q=0", "gzip; q=0.00", "GZIP ;Q=0.000", "gzip;q=none", "br", ""):
        plain = counter.shop.get(path, accept_encoding=accepted)
        assert "content-encoding" not in plain.headers, accepted
        assert plain.text == packed.text
        assert plain.headers["etag"] != packed.headers["etag"]
    assert packed.headers["content-encoding"] == "gzip"


def test_making_a_page_costs_little_beside_checking_what_it_shows(counter: Counter) -> None:
    site: Site = counter.shop.app.state.site
    raw = counter.shop.get(f"/i/{counter.token}/history").content
    shown = pages.Shown(RING, f"/i/{counter.token}", counter.token, opened=True, short=True, language="en")
    check = cost(lambda: verify(raw, RING, site.ledger.vkeys, site.clock()))
    whole = cost(lambda: pages._make(site, shown, None, packed=True))
    assert whole <= PARTS * check, (whole, check)


def test_a_page_grows_with_its_history_and_not_with_its_square(counter: Counter) -> None:
    shop, other = counter.shop, uuid("a long life")
    jeweller = shop.parties["Jeweller"]
    fill(shop, jeweller, other, 4 * ENTRIES)
    site: Site = shop.app.state.site

    def made(subject: str) -> float:
        shown = pages.Shown(subject, "/i/x", "x" * 22, opened=True, language="en")
        return cost(lambda: pages._make(site, shown, None, packed=True))

    short, long = made(RING), made(other)
    assert long <= 6 * short, (short, long)


def cost(work: Callable[[], object], times: int = 15) -> float:
    """Seconds of processor time that a piece of work takes, the median of some."""
    work()
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)
