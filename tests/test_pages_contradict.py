"""A holder contradicts a record on her phone: her word stands beside it, for everybody, with how her key is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from api.cli import folder
from api.pages.catalogue import load_catalogue
from ledger.disclosure import parse_disclosure
from tests.browser import needs_chromium
from tests.build import uuid
from tests.owner_stage import HANDED, KEY, OPENED, RECEIVED, SHOP, WORKED, Stage, Step, claimed, recorded, staged
from tests.test_pages_axe import violations

pytestmark = needs_chromium
WORDS = "The stone is still loose"
REPAIRED: tuple[Step, ...] = (OPENED, RECEIVED, WORKED, HANDED)
CARED: Step = ("maintenance.performed", {"work": ["polish"]}, {"note": "as every month"})
SCENES: dict[str, tuple[Step, ...]] = {
    "repaired": REPAIRED,
    "paper": REPAIRED,
    "moved on": (),
    "returned": REPAIRED,
    "long": (CARED,) * 45,
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("contradict") / "ledger", SCENES) as found:
        yield found


def record(page: Page, sentence: str) -> Locator:
    """A record in the page's list of them, which is opened if it is not."""
    opener = page.get_by_text("Look it through", exact=True)
    if not page.locator("[data-record]").is_visible():
        opener.click()
    return page.locator("[data-record] > li").filter(has=page.locator(".sentence", has_text=sentence))


def contradict(page: Page, sentence: str, reason: str) -> None:
    """Say that a record is not right, by a reason and no words."""
    entry = record(page, sentence)
    entry.get_by_text("This is not right").click()
    entry.get_by_label("Reason").select_option(reason)
    entry.get_by_role("button", name="Contradict it").click()


def shop_says(stage: Stage, name: str, *said: Step, case: str | None = None) -> None:
    """The shop goes on with a thing, while somebody looks at it."""
    with folder.opened(stage.directory) as ledger:
        for kind, details, _ in said:
            value = folder.value_of(ledger, SHOP, kind, [stage.subject(name)], details)
            folder.say(ledger, folder.draft(value | ({} if case is None else {"case": case}), [KEY]))


def filled(page: Page, sentence: str, words: str) -> Locator:
    """A record whose form was opened and filled by the keyboard alone, and whose button has the focus."""
    page.locator("summary", has_text="Look it through").focus()
    page.keyboard.press("Enter")
    entry = record(page, sentence)
    entry.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(entry.locator("form")).to_be_visible()
    assert entry.locator("form").evaluate("(one) => one.checkValidity()") is False, "a reason is wanted"
    assert entry.locator("textarea").get_attribute("maxlength") == "2000"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(entry.get_by_label("Reason")).to_have_value("not_so")
    page.keyboard.press("Tab")
    page.keyboard.type(words)
    page.keyboard.press("Tab")
    return entry


def sound(page: Page) -> None:
    """axe-core finds nothing, and nothing is too wide."""
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_by_the_keyboard_a_record_is_contradicted_once_and_both_stand_side_by_side(
    stage: Stage, phone: BrowserContext
) -> None:
    page, said = claimed(phone, stage, "repaired")
    done = next(one for one in stage.entries("repaired") if one["type"] == "repair.completed")
    entry = filled(page, "completed a repair", WORDS)
    sound(page)
    with page.expect_request("**/statements") as sent:
        page.keyboard.press("Enter")
    recorded(page)
    expect(entry).to_contain_text("Disputed by the holder's device: it was not so")
    expect(entry.get_by_role("status")).to_be_focused()
    expect(entry.get_by_role("status")).to_be_in_viewport()
    expect(entry.locator("summary")).to_have_count(0)
    hers = record(page, "disputed a record")
    expect(hers).to_contain_text("by the holder's own device")
    expect(hers.locator("summary")).to_have_count(0)
    expect(record(page, "took it in").locator("summary")).to_be_visible()
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("[data-private]")).to_contain_text(WORDS)
    sound(page)

    signed = stage.entries("repaired")[-1]
    body: dict[str, Any] = dict(sent.value.post_data_json or {})
    assert body["statement"] == signed
    assert (signed["type"], signed["details"]) == ("statement.disputed", {"disputes": done["id"], "reason": "not_so"})
    assert (signed["party"], signed["case"]) == (stage.subject("repaired"), done["case"])
    assert len(signed["_sd"]) == 3, "comment, note and attachments, of which two are decoys"
    assert [parse_disclosure(one).value for one in body["disclosures"]] == [WORDS]
    replayed(stage, phone, sent.value.url, body)
    page.goto(stage.address(f"/i/{stage.cards['repaired'].token}"))
    shown = page.locator(".remark", has_text="Disputed by the holder's device: it was not so")
    shown.get_by_role("link").click()
    expect(page.locator("li:target")).to_contain_text("The holder disputed a record.")
    assert WORDS not in page.content()
    assert said == []


def replayed(stage: Stage, phone: BrowserContext, url: str, body: dict[str, Any]) -> None:
    """The same bytes again are the same record, and changed ones are none."""
    before = stage.entries("repaired")
    assert phone.request.post(url, data=body).status == 200
    details = body["statement"]["details"] | {"reason": "unlawful"}
    changed = phone.request.post(url, data=body | {"statement": body["statement"] | {"details": details}})
    assert changed.headers["content-type"] == "application/problem+json"
    assert stage.entries("repaired") == before


def test_the_paper_contradicts_too_and_its_label_says_so_in_each_language(stage: Stage, phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto(stage.owner_url("paper"))
    contradict(page, "completed a repair", "not_agreed")
    recorded(page)
    expect(record(page, "completed a repair")).to_contain_text("Disputed by the bearer of the receipt: not agreed")
    for language in ("zh-Hans", "zh-Hant"):
        words = load_catalogue(language)
        page.goto(stage.address(f"/o?lang={language}"))
        page.goto(stage.owner_url("paper"))
        page.get_by_text(words.text["owner_record_open"], exact=True).click()
        said = words.say("disputed", who=words.text["signed_holder_receipt"], reason=words.value("not_agreed"))
        expect(page.locator("[data-record] .remark")).to_have_text(said)
        page.get_by_text(words.text["owner_contradict"], exact=True).first.click()
        expect(page.get_by_role("button", name=words.text["owner_contradict_yes"])).to_be_visible()
        sound(page)


def test_a_long_record_is_folded_and_stays_unfolded_where_she_contradicted_its_end(
    stage: Stage, phone: BrowserContext
) -> None:
    page, said = claimed(phone, stage, "long")
    page.get_by_role("button", name="Show it").click()
    notes = page.locator("[data-private] dl")
    expect(notes).to_have_count(40)
    page.locator("[data-private]").get_by_role("button", name="Show earlier ones (5)").click()
    expect(notes).to_have_count(45)
    page.get_by_text("Look it through", exact=True).click()
    records = page.locator("[data-record] > li")
    expect(records).to_have_count(41)  # the newest forty before the claim, and the claim
    more = page.get_by_role("button", name="Show earlier ones (7)")
    more.press("Enter")
    expect(records).to_have_count(48)
    expect(records.nth(41)).to_be_focused()
    expect(more).to_be_hidden()
    contradict(page, "registered", "not_so")
    recorded(page)
    expect(records).to_have_count(49)
    expect(records.last.get_by_role("status")).to_be_in_viewport()
    expect(records.last).to_contain_text("Disputed by the holder's device")
    assert said == []


def test_who_holds_it_no_more_is_refused_and_told_what_to_do(stage: Stage, phone: BrowserContext) -> None:
    page, _ = claimed(phone, stage, "moved on")
    entry = record(page, "registered")
    expect(entry).to_be_visible()
    returned: Step = ("return.completed", {"reason": "fit", "condition": "new"}, {})
    shop_says(stage, "moved on", returned, ("item.sold", {"channel": "store"}, {}))
    contradict(page, "registered", "not_so")
    # What it means first, and behind it what the service says in its own language.
    expect(page.get_by_role("status")).to_contain_text("Refused: This may not be said with this code or key.")
    technical = page.get_by_role("status").locator("small[lang=en]")
    expect(technical).to_contain_text("this code has fallen to the public level")
    expect(technical).to_contain_text("want a code of the present holder's")
    expect(page.get_by_role("heading", name="This item has another holder now")).to_be_visible()
    expect(page.locator("[data-state=fallen]")).to_contain_text("ask the shop that sold it")
    expect(page.locator("[data-record]")).to_be_hidden()
    kinds = [one["type"] for one in stage.entries("moved on", _fresh(stage, "moved on"))]
    assert kinds[-1] == "item.sold", "nothing was recorded"


def _fresh(stage: Stage, name: str) -> str:
    """A view code of a thing's present state."""
    with folder.opened(stage.directory) as ledger:
        return ledger.codes.create(stage.subject(name), "view")


def test_by_the_code_of_a_case_its_records_alone_also_after_a_return_and_a_stranger_is_offered_none(
    stage: Stage, browser: Browser, phone: BrowserContext
) -> None:
    page, said = claimed(phone, stage, "returned")
    case, token = uuid("case of returned"), stage.tokens["returned"]
    shop_says(stage, "returned", ("return.completed", {"reason": "fit", "condition": "new"}, {}), case=case)
    page.goto("about:blank")
    page.goto(stage.address(f"/o#c={token}"))
    expect(page.get_by_role("heading", name="This item was returned or exchanged")).to_be_visible()
    contradict(page, "took it back", "not_me")
    recorded(page)
    expect(record(page, "took it back")).to_contain_text("Disputed by the holder's device: it was not me")
    expect(page.locator("[data-record] > li")).to_have_count(len(REPAIRED) + 2)
    signed = stage.entries("returned", _fresh(stage, "returned"))[-1]
    assert (signed["type"], signed["case"], signed["details"]["reason"]) == ("statement.disputed", case, "not_me")
    assert said == []
    other = browser.new_context(locale="en")
    stranger = other.new_page()
    stranger.goto(stage.address(f"/o#c={token}"))
    expect(stranger.get_by_role("heading", name="This item was returned or exchanged")).to_be_visible()
    for name in ("What is on record", "Your requests"):
        expect(stranger.get_by_role("heading", name=name)).to_be_hidden()
    other.close()
