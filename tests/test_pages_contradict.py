"""A holder contradicts a record on her phone: her word stands beside it, for everybody, with how her key is kept."""

from __future__ import annotations

from collections.abc import Iterator

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
REPAIRED: tuple[Step, ...] = (OPENED, RECEIVED, WORKED, HANDED)
SCENES: dict[str, tuple[Step, ...]] = {"repaired": REPAIRED, "paper": REPAIRED, "moved on": (), "returned": REPAIRED}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("contradict") / "ledger", SCENES) as found:
        yield found


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en")
    yield context
    context.close()


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


def test_by_the_keyboard_a_record_is_contradicted_once_and_both_stand_side_by_side(
    stage: Stage, phone: BrowserContext
) -> None:
    page, said = claimed(phone, stage, "repaired")
    done = next(one for one in stage.entries("repaired") if one["type"] == "repair.completed")
    opener = page.locator("summary", has_text="Look it through")
    opener.focus()
    page.keyboard.press("Enter")
    entry = record(page, "completed a repair")
    control = entry.locator("summary")
    control.focus()
    page.keyboard.press("Enter")
    form = entry.locator("form")
    expect(form).to_be_visible()
    for width in (1280, 320, 360):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
    assert form.evaluate("(one) => one.checkValidity()") is False, "a reason is wanted"
    page.keyboard.press("Tab")
    assert entry.get_by_label("Reason").evaluate("(one) => one === document.activeElement")
    page.keyboard.press("ArrowDown")
    expect(entry.get_by_label("Reason")).to_have_value("not_so")
    page.keyboard.press("Tab")
    assert entry.locator("textarea").get_attribute("maxlength") == "2000"
    page.keyboard.type("The stone is <b>still</b> loose")
    page.keyboard.press("Tab")
    with page.expect_request("**/statements") as sent:
        page.keyboard.press("Enter")
    recorded(page)

    entries = stage.entries("repaired")
    signed = entries[-1]
    assert signed["type"] == "statement.disputed"
    assert signed["details"] == {"disputes": done["id"], "reason": "not_so"}
    assert (signed["party"], signed["case"]) == (stage.subject("repaired"), done["case"])
    assert len(signed["_sd"]) == 3, "comment, note and attachments, of which two are decoys"
    assert "loose" not in str(entries), "her own words are private"
    body = sent.value.post_data_json
    assert [parse_disclosure(one).value for one in body["disclosures"]] == ["The stone is <b>still</b> loose"]

    expect(entry).to_contain_text("Disputed by the holder's device: it was not so")
    expect(entry.locator("summary")).to_have_count(0)
    hers = record(page, "disputed a record")
    expect(hers).to_contain_text("by the holder's own device")
    expect(hers.locator("summary")).to_have_count(0)
    expect(record(page, "took it in").locator("summary")).to_be_visible()
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("[data-private]")).to_contain_text("The stone is <b>still</b> loose")
    page.set_viewport_size({"width": 1280, "height": 740})
    assert violations(page) == []

    url = sent.value.url
    again = phone.request.post(url, data=body)
    assert again.status == 200, "the same bytes again are the same record"
    reason = body["statement"]["details"] | {"reason": "unlawful"}
    changed = body | {"statement": body["statement"] | {"details": reason}}
    assert phone.request.post(url, data=changed).status in range(400, 500)
    assert stage.entries("repaired") == entries
    page.goto(stage.address(f"/i/{stage.cards['repaired'].token}"))
    shown = page.locator(".remark", has_text="Disputed by the holder's device: it was not so")
    expect(shown).to_have_count(1)
    shown.get_by_role("link").click()
    expect(page.locator("li:target")).to_contain_text("The holder disputed a record.")
    assert said == []


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
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []


def test_who_holds_it_no_more_is_refused_and_told_what_to_do(stage: Stage, phone: BrowserContext) -> None:
    page, _ = claimed(phone, stage, "moved on")
    entry = record(page, "registered")
    expect(entry).to_be_visible()
    returned: Step = ("return.completed", {"reason": "fit", "condition": "new"}, {})
    shop_says(stage, "moved on", returned, ("item.sold", {"channel": "store"}, {}))
    contradict(page, "registered", "not_so")
    expect(page.get_by_role("status")).to_contain_text("Refused: this code has fallen to the public level")
    expect(page.get_by_role("status")).to_contain_text("want a code of the present holder's")
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
