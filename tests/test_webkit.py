"""The customer's essential journey in WebKit, the engine of every browser on an iPhone: checked, red, claimed, acted.

Skipped where Debian's ``webkit2gtk-driver`` with ``xvfb``, or ``wpewebkit-driver`` with ``cog``, is not installed. What
was seen beyond this, and in which versions, stands in docs/verify.md. Everything in between is tests/webdriver.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.browser import needs_library
from tests.middle import Middle, between
from tests.owner_stage import OPENED, QUOTED, RECEIVED, Stage, Step, staged
from tests.test_check_page import SPOILT, Bundle
from tests.webdriver import ENGINES, Engine, Phone, phones

pytestmark = needs_library
PLAIN, UNKNOWN = "http://shop.example", "http://unknown.example"
"""By way of the proxy: pages without https, which have no WebCrypto; of the second nothing lies in a cache."""
BADGE = """
const badge = document.querySelector("[data-check]");
const says = badge.querySelector("[data-says]").textContent;
return says.startsWith("Complete as of") ? null : [badge.dataset.state, badge.dataset.path || null, badge.innerText];
"""
KEPT = """
const { deviceKeys } = await import(document.querySelector("script[type=module]").src);
return (await deviceKeys()).map(({ did, signer }) => [did, signer.constructor.name]);
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    # A character beyond the plane, which WebKit before 2.50 finds halves of where they are not looked for rightly.
    tested: Step = ("item.inspected", {"tests": [{"name": "\U00020bb7 \U0001f48d", "result": "pass"}]}, {})
    scene = (tested, OPENED, RECEIVED, QUOTED)
    with staged(tmp_path_factory.mktemp("webkit") / "ledger", dict.fromkeys(ENGINES, scene)) as found:
        yield found


def badge(phone: Phone, where: str) -> tuple[str, str | None, str]:
    phone.go(where)
    state, path, says = phone.until(BADGE)
    return state, path, says


@pytest.mark.parametrize("name", ENGINES)
def test_a_customer_checks_claims_and_decides(stage: Stage, name: str) -> None:
    engine = ENGINES[name]
    if engine.binary is None:
        pytest.skip(f"no {engine.driver} with what it drives on this machine: apt install {engine.packages}")
    with between(stage.server.place) as middle, phones(engine, proxy=middle.address) as (phone,):
        here = f"http://{middle.address}"
        checks_itself(phone, middle, [f"{at}/i/{stage.cards[name].token}" for at in (here, PLAIN, UNKNOWN)])
        claims_and_approves(phone, stage, name, here)


def changed(at: int, word: str) -> Callable[[Bundle], object]:
    """One word of an entry turned round."""

    def change(bundle: Bundle) -> None:
        entries = bundle["histories"][0]["entries"]
        entries[at] = entries[at].replace(word, word[::-1])

    return change


WRONG = [
    *(given for name, given in SPOILT.items() if "changed" not in name),
    (5, changed(-1, "EUR")),
    (6, changed(0, "Solitaire")),
]
"""With the number of the check that refuses it; the others of Chromium's are about words that stand not here."""


def spoilt(change: Callable[[Bundle], object], body: bytes) -> bytes:
    bundle = json.loads(body)
    change(bundle)
    return json.dumps(bundle).encode()


def checks_itself(phone: Phone, middle: Middle, where: list[str]) -> None:
    """By either way, with each number of what is wrong, and by nothing where there is no way."""
    for address in where[:2]:
        state, path, says = badge(phone, address)
        assert (state, path in {"native", "library"}) == ("phone", True), says
        assert "remembered for your next visit" in says
        assert "has only grown" in badge(phone, address)[2]
        assert phone.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert badge(phone, where[1])[1] == "library"
    for number, change in WRONG:
        middle.changes = {"/history$": partial(spoilt, change)}
        # What was proved a moment ago is kept no longer, so that it is not the memory that finds it out.
        phone.run("localStorage.clear()")
        state, _, says = badge(phone, where[1])
        assert (state, f"(check {number} of 12)" in says) == ("bad", True), says
    middle.changes = {"/library.min.js$": lambda _: None}
    state, path, says = badge(phone, where[2])
    assert (state, path, "this browser cannot check signatures" in says) == ("server", None, True)
    middle.changes = {}


def claims_and_approves(phone: Phone, stage: Stage, name: str, here: str) -> None:
    """The key that the ledger names is the one that is kept here, and the page says how it is kept."""
    phone.go(stage.owner_url(name).replace(f"http://{stage.server.place}", here))
    phone.press("Make this device the owner's")
    phone.seen("This device is the owner's")
    ((did, kind),) = phone.ask(KEPT)
    assert did == stage.item(name)["holder"]["key"]
    phone.seen({"CryptoKey": "no program can read it out", "Uint8Array": "keeps it as plain bytes"}[kind])
    phone.seen("86.40 EUR")
    phone.press("Approve")
    phone.press("Yes, approve")
    phone.seen("Recorded.")
    assert stage.entries(name)[-1]["type"] == "case.approved"
    phone.go(f"{here}/o")
    phone.press("Solitaire ring")
    phone.seen("This device is the owner's")


def test_an_engine_that_is_not_here_is_none() -> None:
    assert Engine("no such driver", "", ("/",), "", display=False).binary is None
