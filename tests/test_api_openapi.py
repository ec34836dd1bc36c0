"""The OpenAPI document describes every route, with the right that the gate asks for, and draws the page of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.rights import RIGHTS
from tests.shop import PUBLIC_URL, Shop, open_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def document(shop: Shop) -> Any:
    return shop.get("/openapi.json").json()


def test_every_route_is_described_with_its_right(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": PUBLIC_URL}]
    described = {
        (method.upper(), path): one["x-right"]
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }
    assert described == {(method, path.replace(":path}", "}")): right for method, path, right in RIGHTS}


def test_every_operation_can_be_called_by_what_is_said_of_it(document: Any) -> None:
    names = set()
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            names.add(one["operationId"])
            assert one["summary"], path
            said = {parameter["name"] for parameter in one.get("parameters", []) if parameter["in"] == "path"}
            assert said == set(re.findall(r"\{(\w+)\}", path))
            assert ("requestBody" in one) == (method == "post")
            assert {"4XX", "5XX"} <= set(one["responses"])
            assert bool(one["security"]) == (one["x-right"] != "public")
    assert len(names) == sum(map(len, document["paths"].values()))


def test_every_reference_leads_somewhere(shop: Shop, document: Any) -> None:
    for reference in re.findall(r'"\$ref": ?"#/([^"]+)"', shop.get("/openapi.json").text):
        place = document
        for step in reference.split("/"):
            place = place[step]
        assert place


def test_the_page_of_it_names_every_address_and_fetches_nothing_from_elsewhere(shop: Shop, document: Any) -> None:
    page = shop.get("/docs").text
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    assert not re.search(r'(?:src|href)="(?!/|#|\?lang=)', page)
    assert "<script" not in page
