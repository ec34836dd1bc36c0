"""How long the page of an item checks itself, in the machine's Chromium, by each way and with a slowed processor.

    python benchmarks/in_browser.py [--entries 20 500] [--slow 1 4] [--rounds N]

``work`` is from the bundle being there to the badge: the check itself. ``check`` begins when the page's script has its
cryptography, and so has what is left of fetching the bundle from this machine, while the page is being drawn; ``all``
is from the script's start, so with the trying of ways to cryptography and the page's own drawing;
``open`` is the page's load event, ``badge`` when the badge has turned, both from the start of the navigation. Shown is
the median of the rounds, each in a browser that has never been there; ``best`` is the fastest work, which on a busy
machine is nearest to a quiet one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from api.cli import folder, init, parties
from ledger.dsse import SigningKey
from tests.browser import chromium
from tests.build import ring, uuid
from tests.served import Server

KEY = SigningKey.from_seed(bytes(range(32)))
SHOP = uuid("shop")
WORK = {"work": ["re-tip prong", "polish"], "tests": [{"name": "stone tight", "result": "pass"}]}
OTHERS = 60
"""Items around those that are looked at, so that proofs have a length."""
TIMES = """() => {
  const [check] = performance.getEntriesByType("measure");
  const badge = check.startTime + check.duration;
  const since = (at) => badge - performance.getEntriesByName(`patina-${at}`)[0].startTime;
  const [work, all] = [since("fetched"), since("start")];
  return [work, check.duration, all, performance.getEntriesByType("navigation")[0].loadEventEnd, badge];
}"""


def write(directory: Path, counts: list[int]) -> dict[int, str]:
    """A ledger of items with so many entries, and the view code of each."""
    init.create(directory, "bench.example/log")
    with folder.opened(directory) as ledger:
        parties.register(ledger, SHOP, {"name": "Shop", "roles": ["retailer", "repairer"]}, KEY)
        for number in range(OTHERS + len(counts)):
            about = {"name": "Ring", "category": "jewellery"}
            values: list[tuple[str, dict[str, Any]]] = [("item.registered", about)]
            values += [("repair.completed", WORK)] * (counts[number] - 1 if number < len(counts) else 0)
            for kind, details in values:
                value = folder.value_of(ledger, SHOP, kind, [ring(number)], details)
                folder.say(ledger, folder.draft(value, [KEY]))
        return {count: ledger.codes.create(ring(number), "view") for number, count in enumerate(counts)}


def measure(browser: Browser, address: str, slow: int, rounds: int) -> list[float]:
    """The best work, and the medians of work, check, all, open and badge, in milliseconds."""
    found = []
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 360, "height": 740})
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
        page.goto(address, wait_until="load")
        page.locator("[data-check][data-state=phone]").wait_for(timeout=120_000)
        found.append(page.evaluate(TIMES))
        context.close()
    return [min(found)[0], *(statistics.median(one) for one in zip(*found, strict=True))]


def main() -> None:
    parser = argparse.ArgumentParser(description="How long the page of an item checks itself.")
    parser.add_argument("--entries", type=int, nargs="+", default=[20, 500])
    parser.add_argument("--slow", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, chromium() as browser:
        tokens = write(Path(root) / "ledger", options.entries)
        server = Server(Path(root) / "ledger")
        port = server.place.rpartition(":")[2]
        print("entries      way  slowed  best ms  work ms  check ms  all ms  open ms  badge ms")
        for entries in options.entries:
            for way, host in (("native", "127.0.0.1"), ("library", "shop.example")):
                for slow in options.slow:
                    address = f"http://{host}:{port}/i/{tokens[entries]}"
                    best, *times = measure(browser, address, slow, options.rounds)
                    row = f"{entries:>8} {way:>8} {slow:>6}x {best:>8.0f}"
                    print(row, "{:>8.0f} {:>9.0f} {:>7.0f} {:>8.0f} {:>9.0f}".format(*times), flush=True)
        server.stop()


if __name__ == "__main__":
    main()
