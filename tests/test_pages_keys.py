"""How a browser keeps the holder's key: found by making, keeping and using one, and said on the page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser import NO_CHECKING, chromium
from tests.owner_stage import claimed, staged

UNKEPT = """
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (value, ...more) {
  if (value.signer instanceof CryptoKey) throw new DOMException("could not be cloned", "DataCloneError");
  return put.call(this, value, ...more);
};
"""
"""A browser that makes such keys and keeps none, as in some private windows."""
KEPT = """async () => {
  const { deviceKeys } = await import(document.querySelector("script[type=module]").src);
  return (await deviceKeys()).map(({ did, signer }) => [did, signer.constructor.name]);
}"""


def test_how_a_browser_keeps_a_key_is_tried_and_said(tmp_path: Path) -> None:
    bytes_, locked = ("Uint8Array", "keeps it as plain bytes"), ("CryptoKey", "no program can read it out")
    ways = {"keeps none": (UNKEPT, *bytes_), "checks by the library": (NO_CHECKING, *locked)}
    with staged(tmp_path / "ledger", dict.fromkeys(ways, ())) as stage, chromium() as browser:
        for name, (before, kind, says) in ways.items():
            phone = browser.new_context(locale="en")
            phone.add_init_script(before)
            page, said = claimed(phone, stage, name)
            expect(page.get_by_text(says)).to_be_visible()
            key = stage.item(name)["holder"]["key"]
            assert page.evaluate(KEPT) == [[key, kind]], "and nothing stays of what was tried"
            assert said == []
            phone.close()
