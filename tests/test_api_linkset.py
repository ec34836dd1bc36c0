"""The links of an item for programs: GS1's own schema takes each set, and it names what its reader may open, no more.

``vectors/gs1-linkset-schema.json`` is the schema of https://github.com/gs1/linkset (571bb7d, Apache-2.0), by which the
test suite for resolvers judges a set.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.holding import claim, draw_paper, sell
from tests.page_shop import jeweller, ring, shop
from tests.shop import PUBLIC_URL, Party, Shop

__all__ = ["jeweller", "ring", "shop"]

rs = pytest.importorskip("jsonschema_rs", reason="comes with schemathesis")
SCHEMA = rs.Draft7Validator(json.loads((Path(__file__).parent / "vectors" / "gs1-linkset-schema.json").read_text()))
LINKSET = "application/linkset+json"
VOC = "https://ref.gs1.org/voc/"
CERTIFIED = {"certificate_no": "L-7", "result": "authentic", "methods": ["loupe"]}


def links(shop: Shop, path: str, accept: str = LINKSET, **more: str) -> dict[str, Any]:
    """The one context of an answer's set, by the last word of each relation."""
    answer = shop.client.get(path, headers={"Accept": accept, **more})
    assert (answer.status_code, answer.headers["content-type"]) == (200, LINKSET), answer.text
    assert 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"' in answer.headers["link"]
    assert {"Accept", "Accept-Language"} <= set(answer.headers["vary"].split(", "))
    assert SCHEMA.is_valid(answer.json()), list(SCHEMA.iter_errors(answer.json()))
    (context,) = answer.json()["linkset"]
    return {name.removeprefix(VOC): one for name, one in context.items()}


def test_the_schema_refuses_what_is_no_set() -> None:
    assert not SCHEMA.is_valid({"linkset": [{"anchor": "https://a.example/", "itemDescription": "x", "gs1:pip": []}]})


def test_by_a_view_code_the_set_leads_to_all_that_the_page_does_and_each_link_opens(
    shop: Shop, jeweller: Party, ring: str
) -> None:
    path, lab = f"/i/{shop.code(jeweller, ring)}", shop.parties["Lab"]
    statement = shop.statement(lab, "authentication.certified", ring, CERTIFIED)
    said = shop.post("/v1/statements", {"statement": statement}, lab, **{"Patina-Code": path[3:]})
    assert said.status_code == 201, said.text
    found = links(shop, path)
    assert found["anchor"] == PUBLIC_URL + path
    assert found["itemDescription"].startswith("Ring & <b>bold</b>")
    (default,) = found["defaultLink"]
    assert default["href"] in {one["href"] for one in found["traceability"]}, "also under what it is"
    assert set(default) == {"href", "title"}
    assert [one["type"] for one in found["certificationInfo"]] == ["text/html", "application/pdf"]
    assert found["registerProduct"][0]["href"] == f"{PUBLIC_URL}/o#i={path[3:]}"
    every = [one for name, some in found.items() if isinstance(some, list) and name != "defaultLink" for one in some]
    for one in every:
        answer = shop.client.get(one["href"].removeprefix(PUBLIC_URL), headers={"Accept": one["type"]})
        assert answer.status_code == 200, one
        assert answer.headers["content-type"].startswith(one["type"]), one
    assert len(every) == 7


def test_a_public_address_and_a_fallen_code_name_what_anybody_may_see(shop: Shop, jeweller: Party, ring: str) -> None:
    paper = draw_paper(shop, jeweller, ring)
    sell(shop, jeweller, paper)
    claim(shop, paper)
    shop.say(jeweller, "return.completed", ring, {"reason": "fit", "condition": "new"})
    shop.say(jeweller, "item.sold", ring, {"channel": "store"})
    public = ring.removeprefix("https://id.gs1.org")
    for path in (public, f"/i/{paper.token}"):
        found = links(shop, path)
        assert set(found) == {"anchor", "itemDescription", "defaultLink", "traceability"}
        addresses = [one["href"] for some in found.values() if isinstance(some, list) for one in some]
        assert set(addresses) == {PUBLIC_URL + path}, "no history, no papers, nothing to act on"
    answer = shop.client.get(public, headers={"Accept": LINKSET, "Origin": "https://other.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_recall_is_named_and_titles_are_in_the_reader_s_language(shop: Shop, jeweller: Party, ring: str) -> None:
    shop.say(shop.operator, "item.recalled", ring, {"reason": "safety", "remedy": "repair"})
    path = ring.removeprefix("https://id.gs1.org")
    found = links(shop, path, **{"Accept-Language": "zh-TW"})
    assert found["recallStatus"][0]["title"] == "召回中"
    assert found["traceability"][0]["hreflang"] == ["en", "zh-CN", "zh-TW"]


def test_the_page_says_where_the_set_is_and_the_address_asks_for_it_too(shop: Shop, ring: str) -> None:
    path = ring.removeprefix("https://id.gs1.org")
    page = shop.get(path)
    where = f"{PUBLIC_URL}{path}?linkType=linkset"
    assert page.headers["link"] == f'<{where}>; rel="linkset"; type="application/linkset+json"'
    asked = links(shop, path)
    for query in ("?linkType=linkset", "?linkType=all"):
        assert links(shop, path + query, "text/html") == asked
    for accept in (f"{LINKSET};q=0.5, text/html", "*/*", f"{LINKSET};q=0", f"{LINKSET};q=0.9, application/json"):
        assert not shop.client.get(path, headers={"Accept": accept}).headers["content-type"].startswith(LINKSET)


@pytest.mark.parametrize("path", ["/i/none", f"/i/{'A' * 22}", "/01/09520123456788/21/none", "/01/09520123456789/21/x"])
def test_what_leads_nowhere_has_no_set(shop: Shop, path: str) -> None:
    for asked in (path, f"{path}?at=x"):
        answer = shop.client.get(asked, headers={"Accept": LINKSET})
        assert answer.status_code in ({404} if asked == path else {404, 422})
        assert LINKSET not in answer.headers["content-type"]


def test_an_odd_serial_is_led_to_as_it_is_written(shop: Shop, jeweller: Party) -> None:
    about = {"gtin": "9520123456788", "serial": "A/7%2F", "name": "Odd", "category": "other"}
    made = shop.post("/v1/items", about, jeweller)
    assert made.status_code == 201, made.text
    path = f"/01/09520123456788/21/{quote('A/7%2F', safe='')}"
    assert links(shop, path)["anchor"] == PUBLIC_URL + path
