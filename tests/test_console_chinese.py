"""A shop assistant's first hour in Chinese, by the keyboard alone, in a real Chromium: she reads nothing in English.

Whatever is offered she reaches with Tab, and sees that she is there; what the service says in its own language stands
behind what it means, marked as English.
"""

from __future__ import annotations

import re
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from api.pages.modules import Modules
from tests import files
from tests.browser import needs_chromium
from tests.console import PASSWORD, login_of
from tests.counter import Counter, at_tablet, ready
from tests.offline import without_network

pytestmark = needs_chromium

ENGLISH = """() => {
    const seen = (node) => node.getClientRects().length && getComputedStyle(node).visibility !== "hidden";
    const own = "[lang]:not([lang^=zh]), .id, .short, kbd, [data-who], footer span:first-child, option, code";
    const said = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const { parentElement: at } = walk.currentNode;
        if (seen(at) && !at.closest(own)) said.push(walk.currentNode.data);
    }
    for (const one of document.querySelectorAll("[placeholder], [aria-label], [alt], [title]")) {
        const names = ["placeholder", "aria-label", "alt", "title"];
        if (seen(one)) said.push(...names.map((name) => one.getAttribute(name) ?? ""));
    }
    for (const one of document.querySelectorAll("option")) if (seen(one.parentNode)) said.push(one.text);
    return said.map((text) => text.trim()).filter((text) => /[A-Za-z]{3,}/.test(text));
}"""
NAMES = re.compile("Patina|GTIN|PIN|Alt|Enter|CSV|Excel|J-\\d+|MiB|JPEG|PNG|WebP|outside|urn:uuid:\\S+")
FOCUS = """(selector) => {
    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    // A part of a field for a date is drawn by the browser itself; what only a script gives the focus needs no ring.
    const drawn = style.outlineStyle === "solid" || !at.matches(":focus") || at.tabIndex < 0;
    const shown = drawn && box.bottom > 0 && box.top < innerHeight && box.right > 0;
    return [at.matches(selector), shown || at === document.body, at.outerHTML.slice(0, 120)];
}"""


def english(page: Page) -> list[str]:
    """What is seen, or told to who does not see, that has an English word in it."""
    return [text for text in page.evaluate(ENGLISH) if re.search("[A-Za-z]{3,}", NAMES.sub("", text))]


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Go on with Tab until that has the focus; each stop on the way is seen."""
    for _ in range(60):
        found, shown, at = page.evaluate(FOCUS, selector)
        assert shown, at
        if found:
            return
        page.keyboard.press(key)
    pytest.fail(f"Tab does not lead to {selector}")


def typed(page: Page, **fields: str) -> None:
    """Fill fields in by name, from the one that has the focus on; Enter leaves each."""
    for name, text in fields.items():
        tab_to(page, f"[name={name}]")
        page.keyboard.type(text)


def flow(page: Page, number: int, title: str) -> None:
    """By Alt and a number, from wherever she is; the first field waits for her."""
    with page.expect_navigation():
        page.keyboard.press(f"Alt+{number}")
    ready(page)
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("[name=thing]")).to_be_focused()


def new(page: Page, name: str) -> None:
    tab_to(page, "[data-make]")
    page.keyboard.press("Enter")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.keyboard.type("首饰")


def recorded(page: Page, said: str = "已记录。") -> list[str]:
    """Enter in the last field records; what became of it stands where she is."""
    tab_to(page, "form.flow button:not([type])")
    page.keyboard.press("Enter")
    expect(page.locator("[data-message]")).to_contain_text(said)
    expect(page.locator("[data-done]")).to_be_focused()
    return english(page)


def chosen(page: Page, text: str, name: str) -> None:
    """Type what leads to a thing, and leave the field."""
    page.keyboard.type(text)
    page.keyboard.press("Tab")
    expect(page.locator("[data-found=thing] strong")).to_have_text(name)


def take_in(page: Page) -> list[str]:
    flow(page, 1, "收件")
    new(page, "蓝宝石戒指")
    typed(page, weight_g="3.62", condition="戒圈有划痕", description="宝石松动", job_no="J-81", phone="13800138000")
    return english(page) + recorded(page)


def hand_over(page: Page) -> list[str]:
    flow(page, 2, "交还")
    chosen(page, "J-81", "蓝宝石戒指")
    typed(page, weight_g="3.42")
    expect(page.locator("[data-now]")).to_contain_text("3.42 克")
    tab_to(page, "[name=changed]")
    page.keyboard.press("ArrowDown")
    return english(page) + recorded(page)


def sell(page: Page) -> list[str]:
    flow(page, 3, "销售")
    new(page, "金项链")
    typed(page, price="8800", customer="李先生", phone="13900139000", receipt_no="R-81")
    return english(page) + recorded(page)


def serve(page: Page) -> list[str]:
    flow(page, 4, "即时服务")
    chosen(page, "蓝宝石戒指", "蓝宝石戒指")
    typed(page, work="超声波清洗")
    return english(page) + recorded(page)


def exchange(page: Page) -> list[str]:
    flow(page, 5, "换货")
    chosen(page, "R-81", "金项链")
    new(page, "铂金项链")
    return english(page) + recorded(page)


def take_back(page: Page) -> list[str]:
    flow(page, 6, "退货")
    chosen(page, "铂金项链", "铂金项链")
    typed(page, condition="完好", refund="8800")
    return english(page) + recorded(page)


def keep_and_send(page: Page) -> list[str]:
    """Without a network it is kept, and said so; the queue says what waits, and sends it when the network is back."""
    without_network(page)
    flow(page, 1, "收件")
    new(page, "银戒指")
    said = english(page) + recorded(page, "已保存在此")
    tab_to(page, "[data-queue]", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/console/queue"))
    ready(page)
    expect(page.locator("[data-rows] li")).to_contain_text("收件 · 银戒指")
    said += english(page)
    page.context.set_offline(False)
    expect(page.locator("[data-rows] li")).to_have_count(0)
    return said


def test_six_flows_by_the_keyboard_alone(counter: Counter, browser: Browser) -> None:
    with at_tablet(browser, counter, None) as page:
        page.goto(counter.address("/console/door?lang=zh-Hans"))
        ready(page)
        said = english(page)
        typed(page, login=login_of("staff stella"), password=PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(counter.address("/console"))
        ready(page)
        said += english(page)
        for act in (take_in, hand_over, sell, serve, exchange, take_back):
            said += act(page)
        tab_to(page, "[data-done] a[data-item]")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/console/item"))
        ready(page)
        said += english(page) + keep_and_send(page)
        assert said == []


def test_a_case_is_walked_where_she_stands_and_what_is_refused_is_said_in_her_language(
    counter: Counter, browser: Browser
) -> None:
    subject = counter.item("翡翠手镯")
    case = counter.taken_in(subject, "J-82")
    with at_tablet(browser, counter, "owner olga") as page:
        page.goto(counter.address(f"/console/case?id={case}&item={subject}&lang=zh-Hans"))
        ready(page)
        said = english(page)
        tab_to(page, "[data-step='case.diagnosed'] summary")
        page.keyboard.press("Enter")
        typed(page, findings="表面有裂纹")
        tab_to(page, "[data-step='case.diagnosed'] [name=responsible]")
        page.keyboard.press("ArrowDown")
        tab_to(page, "[data-step='case.diagnosed'] button")
        page.keyboard.press("Enter")
        expect(page.locator("[data-message]")).to_have_text("已记录。")
        expect(page.locator("[data-message]")).to_be_in_viewport()
        expect(page.locator("[data-steps] summary:focus")).to_have_count(1)
        expect(page.locator("[data-steps] summary:focus")).to_be_in_viewport()
        # Meanwhile another closes the case: what was refused is said first in her language.
        counter.say("case.closed", subject, {"outcome": "withdrawn"}, case=case)
        tab_to(page, "[data-step='case.waiting'] summary")
        page.keyboard.press("Enter")
        tab_to(page, "[data-step='case.waiting'] button")
        page.keyboard.press("Enter")
        banner = page.locator("[data-message]")
        expect(banner).to_contain_text("与账本现有内容矛盾")
        expect(banner.locator(".technical [lang=en]")).not_to_be_empty()
        expect(banner).to_be_in_viewport()
        said += english(page)
        said += taken_away(page)
        assert said == []


def taken_away(page: Page) -> list[str]:
    """From what was refused to where it waits, and away with it."""
    tab_to(page, "[data-message] a", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/console/queue"))
    ready(page)
    said = english(page)
    page.once("dialog", lambda dialog: dialog.accept())
    tab_to(page, "[data-rows] button:last-child")
    page.keyboard.press("Enter")
    expect(page.locator("[data-rows] li")).to_have_count(0)
    expect(page.locator("[data-send]")).to_be_focused()
    return said


@pytest.mark.skipif(not Modules().codes, reason="no JavaScript packages here: no npm at set-up")
def test_a_picture_of_its_code_and_a_search_lead_to_the_thing(counter: Counter, browser: Browser) -> None:
    subject = counter.item("和田玉吊坠")
    code = counter.ask("POST", f"/v1/items/{quote(subject, safe='')}/codes", {"kind": "view"})
    with urlopen(counter.address(f"/i/{code['token']}/qr.png"), timeout=60) as answer:
        picture: FilePayload = {"name": "code.png", "mimeType": "image/png", "buffer": answer.read()}
    with at_tablet(browser, counter) as page:
        # From now on every chooser is given to the test: one that opens before it is waited for would be the browser's.
        page.on("filechooser", lambda _: None)
        page.goto(counter.address("/console?lang=zh-Hans"))
        ready(page)
        page.keyboard.press("/")
        expect(page.locator("#quick")).to_be_focused()
        page.keyboard.type("没有的东西")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/console/find"))
        ready(page)
        expect(page.locator("[data-rows] li")).to_be_visible()
        said = english(page)
        wrong: FilePayload = {"name": "none.png", "mimeType": "image/png", "buffer": files.png(40, 40)}
        for given in (wrong, picture):
            tab_to(page, "[data-picture=text]")
            with page.expect_file_chooser() as chooser:
                page.keyboard.press("Enter")
            chooser.value.set_files(given)
            if given is wrong:
                expect(page.locator("[data-message]")).to_contain_text("未能从图片中识别出二维码")
                said += english(page)
        page.wait_for_url(re.compile("/console/item"))
        ready(page)
        expect(page.locator("h1")).to_have_text("和田玉吊坠")
        assert said == []
