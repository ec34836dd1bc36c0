"""Each flow by hand with every field filled that has no value yet: at most twelve fields, and under 60 seconds by the
keystroke-level model. The figures stand in docs/using.md and are held to what is counted here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from api.pages.console import load_words
from api.pages.flows import FLOWS, MAX_FIELDS
from tests.browser import needs_chromium
from tests.counter import Counter, at_tablet, ready
from tests.keystrokes import Model
from tests.pictured import drawing

pytestmark = needs_chromium
DOC = Path(__file__).parents[1] / "docs" / "using.md"
NEW: Final = {"name": "gold ring", "category": "jewellery"}
WHO: Final = {"customer": "ada example", "phone": "0171 5550100"}
PHOTO, KEPT = "photo", ""
"""What a field gets: a photograph, nothing because what it holds already is right, or else what is typed."""
FILLED: Final = {
    "intake": {**NEW, "photo": PHOTO, "weight_g": "3.62", "condition": "scratch inside", "issue": KEPT,
               "description": "stone loose", "promised": "01312030", "job_no": "J-77", **WHO},
    "handover": {"photo": PHOTO, "weight_g": "3.42", "changed": "c", "passed": KEPT, "check": "s", "basis": "s",
                 "close": KEPT},
    "sell": {**NEW, "price": "1250.00", "currency": "e", "warranty_months": KEPT, "return_days": KEPT, **WHO,
             "receipt_no": "R-9", "owner": KEPT},
    "wait": {**NEW, "work": "cleaned", "photo": PHOTO, "next_due": "05012030", "note": "left hand"},
    "exchange": {**NEW, "issue": KEPT, "reason": KEPT, "photo": PHOTO, "weight_g": "3.62", "difference": "15",
                 "currency": "e", **WHO},
    "return": {"issue": KEPT, "reason": KEPT, "condition": "as new", "photo": PHOTO, "weight_g": "3.62",
               "resaleable": " ", "refund": "80.50", "currency": "e"},
}  # fmt: skip
"""What a shop would put in; what is not here keeps what it holds, and is passed over."""


def scanned(page: Page, model: Model, name: str, subject: str) -> None:
    """A hand scanner types a code, and Enter."""
    expect(page.locator(f"[name={name}]")).to_be_focused()
    model.scans()
    before = model.counts.copy()
    page.keyboard.insert_text(subject)
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-found={name}] strong")).not_to_be_empty()
    model.counts = before


def new(page: Page, name: str) -> None:
    page.click(f"[data-make={name}]")
    expect(page.locator("[name=name]")).to_be_focused()


def typed(page: Page, model: Model, flow: str) -> set[str]:
    """Every field, from the one that has the focus to the last, which records; their names."""
    seen: set[str] = set()
    while page.locator("[data-done]").is_hidden():
        name = str(page.evaluate("document.activeElement.name"))
        assert name not in seen, name
        seen.add(name)
        value = FILLED[flow].get(name, KEPT)
        if value == PHOTO:
            with page.expect_file_chooser() as chosen:
                page.click(f"#{flow}-photo")
            model.takes()
            chosen.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": drawing()})
        elif value:
            page.keyboard.type(value)
        last = page.evaluate("""() => [...document.activeElement.form.elements]
            .filter((one) => one.offsetParent && one.tagName !== "BUTTON").at(-1) === document.activeElement""")
        if last:
            model.decides()
        page.keyboard.press(
            "Control+Enter" if page.evaluate("document.activeElement.tagName") == "TEXTAREA" else "Enter"
        )
        if last:
            expect(page.locator("[data-message]")).to_have_text("Recorded.")
            break
    return seen


def test_each_flow_has_at_most_twelve_fields_and_takes_under_a_minute(counter: Counter, browser: Browser) -> None:
    words, rows = load_words("en").form, []
    with at_tablet(browser, counter) as page:
        model = Model(page)
        for number, flow in enumerate((one.name for one in FLOWS), 1):
            page.goto(counter.address("/console"))
            ready(page)
            model.begin()
            page.keyboard.press(f"Alt+{number}")
            page.wait_for_url(re.compile(f"/console/{flow}"))
            ready(page)
            fields = page.locator("form.flow [data-field]").count()
            things = ["thing", "replacement"] if flow == "exchange" else ["thing"]
            for name in things:
                if FILLED[flow].keys() >= NEW.keys() and name == things[-1]:
                    if flow != "exchange":
                        expect(page.locator(f"[name={name}]")).to_be_focused()
                    new(page, name)
                else:
                    subject = counter.item(f"{flow} {name}")
                    if flow == "handover":
                        counter.taken_in(subject)
                    scanned(page, model, name, subject)
            assert typed(page, model, flow) | set(things) == {one.name for one in FLOWS[number - 1].fields}, flow
            assert fields == len(FLOWS[number - 1].fields) <= MAX_FIELDS
            assert model.seconds < 60, (flow, model.counts)
            counts = " | ".join(str(model.counts[one]) for one in "KPHM")
            rows.append(f"| {words[flow]} | {fields} | {counts} | {model.seconds:.0f} |")
    # By hand, of a sale: Alt and 3 (KK), new thing (PK), 9 + 9 + 7 + 1 + 11 + 12 + 4 letters, eleven Enters.
    assert rows[2].split(" | ")[2:6] == [str(2 + 1 + 53 + 11), "1", "2", str(1 + 1 + 11 + 1)]
    assert "\n".join(rows) in DOC.read_text("utf-8"), "\n".join(rows)
