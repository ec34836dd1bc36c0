"""What the page of an item with 20 records costs the server, by the clock and by the processor.

    PYTHONPATH=. python benchmarks/item_page.py [--rounds N]

``made`` is from the database to the packed page, its history read and verified; ``asked`` is a whole request for it
through the application, in this process: its routes, its limits, the making and the answer. Nothing is kept from round
to round: the clock of the shop goes on by an hour, so every page is a new one. Shown are medians of the rounds in
milliseconds, the slowest by the clock beside them, and how many bytes go out.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from api.pages.catalogue import LANGUAGES
from api.pages.item_page import verify
from api.routes import pages
from api.site import Site
from tests.shop import RING, Shop, open_shop
from tests.test_pages_budget import ENTRIES, fill, wire


def figures(work: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Milliseconds that a piece of work takes: median and slowest by the clock, median by the processor."""
    work()
    clock, used = [], []
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        work()
        clock.append(1000 * (time.perf_counter() - start[0]))
        used.append(1000 * (time.process_time() - start[1]))
    return statistics.median(clock), max(clock), statistics.median(used)


def show(name: str, found: tuple[float, float, float], more: str = "") -> None:
    print(f"{name:>22}" + "{:>9.1f} {:>9.1f} {:>12.1f}".format(*found) + more, flush=True)


def measure(shop: Shop, token: str, rounds: int) -> None:
    """Print a row for the check of the history, and two for each language."""
    site: Site = shop.app.state.site
    path = f"/i/{token}"
    raw = shop.get(f"{path}/history").content
    print(f"{'':>22}   median   slowest    processor")
    show("the check in it", figures(lambda: verify(raw, RING, site.ledger.vkeys, site.clock()), rounds))
    for language in LANGUAGES:
        shown = pages.Shown(RING, path, token, opened=True, short=True, language=language)
        made = figures(partial(pages._make, site, shown, None, packed=True), rounds)
        show(f"made, {language}", made)
        asked = figures(partial(ask, shop, path, language), rounds)
        show(f"asked, {language}", asked, f"   {wire(shop, path, language)} bytes")


def ask(shop: Shop, path: str, language: str) -> None:
    """Ask for the page an hour later, so that it is made."""
    shop.clock.pass_hours(1)
    assert shop.get(path, accept_language=language).status_code == 200


def main() -> None:
    parser = argparse.ArgumentParser(description="What the page of an item costs the server.")
    parser.add_argument("--rounds", type=int, default=101)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, open_shop(Path(place)) as shop:
        jeweller = shop.party("Jeweller", "retailer", "repairer", "certifier")
        fill(shop, jeweller, RING, ENTRIES)
        measure(shop, shop.code(jeweller, RING), options.rounds)


if __name__ == "__main__":
    main()
