"""The console's pictures in docs/pictures, taken anew: ``python -m tests.console_pictures FOLDER``.

Each page at 360, 768 and 1280 pixels, with a case that is late; kept in the repository to be looked at.
"""

from __future__ import annotations

import io
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser import CHROMIUM
from tests.build import uuid
from tests.counter import Counter, at_tablet, open_counter, ready
from tests.offline import record, to_flow, without_network
from tests.pictured import drawing
from tests.pictures import QUALITY, TALLEST, upload

WIDTHS = (360, 768, 1280)
LIMIT = {"clock": "first_response", "within": {"minutes": 15}, "source": "house"}


def main(folder: Path) -> None:
    """Fill a ledger, and take every picture."""
    with tempfile.TemporaryDirectory() as place, open_counter(Path(place)) as counter, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        counter.say("standard.adopted", counter.shop, {"standard": "ours", "version": "1", "limits": [LIMIT]})
        late = counter.item("Solitaire ring")
        before = (datetime.now(UTC) - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
        opened = {"kind": "repair", "channel": "store", "issue": "quality", "job_no": "J-41"}
        counter.say("case.opened", late, opened, case=uuid("late"), occurred_at=before)
        ring = counter.item("Rose gold ring")
        case = taken_in(counter, ring)
        with at_tablet(browser, counter, None) as page:
            page.goto(counter.address("/console/door"))
            ready(page)
            take(page, folder / "console-door")
        with at_tablet(browser, counter) as page:
            for name, path in (
                ("lists", ""),
                ("find", "/find"),
                ("item", f"/item?id={ring}"),
                ("case", f"/case?id={case}"),
                ("register", "/register"),
            ):
                page.goto(counter.address(f"/console{path}"))
                ready(page)
                take(page, folder / f"console-{name}")
            take_flows(page, counter, ring, folder)
            take_queue(page, counter, ring, folder)
        browser.close()


def taken_in(counter: Counter, subject: str) -> str:
    """A repair that came in with a photograph; the case."""
    case, photo = uuid("pictured"), upload(counter.address(""), {"api_key": counter.key}, drawing())
    opened = {"kind": "repair", "channel": "store", "issue": "quality", "job_no": "J-42", "promised": "2030-01-31"}
    counter.say("case.opened", subject, opened, case=case)
    evidence = {"weight_g": "3.62", "hallmark": "750", "photos": [photo["name"]]}
    counter.say("case.received", subject, {"evidence": evidence}, case=case, attachments=[photo])
    return case


def take_flows(page: Page, counter: Counter, ring: str, folder: Path) -> None:
    """Each flow as somebody begins to fill it in."""
    for flow in ("intake", "handover", "sell", "wait", "exchange", "return"):
        page.goto(counter.address(f"/console/{flow}?item={ring}"))
        ready(page)
        if flow in {"intake", "handover"}:
            page.set_input_files(f"#{flow}-photo", {"name": "ring.jpg", "mimeType": "image/jpeg", "buffer": drawing()})
            page.fill(f"#{flow}-weight_g", "3.42")
        take(page, folder / f"console-{flow}")


def take_queue(page: Page, counter: Counter, ring: str, folder: Path) -> None:
    """What waits for the network, with its photographs."""
    without_network(page)
    for subject, work in ((ring, "polished"), (uuid("nobody's"), "engraved")):
        to_flow(page, counter, "wait", thing=subject, work=work)
        page.set_input_files("#wait-photo", {"name": "ring.jpg", "mimeType": "image/jpeg", "buffer": drawing()})
        record(page, "Kept here")
    page.goto(counter.address("/console/queue"))
    ready(page)
    page.context.route("**/v1/attachments?*", lambda route: route.abort())
    page.context.set_offline(False)
    take(page, folder / "console-queue")


def take(page: Page, stem: Path) -> None:
    """The page at every width, as WebP."""
    for width in WIDTHS:
        shot(page, width, Path(f"{stem}-{width}.webp"))


def shot(page: Page, width: int, file: Path) -> None:
    """The page at one width."""
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    picture.crop((0, 0, width, min(picture.height, TALLEST))).save(file, quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
