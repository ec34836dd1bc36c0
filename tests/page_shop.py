"""What the tests of the pages share: a shop with a jeweller and a laboratory, and a ring of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.shop import Party, Shop, open_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.party("Alder <Jewellers>", "retailer", "repairer")
        shop.party("Lab", "certifier")
        yield shop


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["Alder <Jewellers>"]


@pytest.fixture
def ring(shop: Shop, jeweller: Party) -> str:
    """A registered item that no other test has."""
    shop.count += 1
    about = {"name": "Ring & <b>bold</b>", "category": "jewellery", "brand": "Alder"}
    made = shop.post("/v1/items", {"gtin": "9520123456788", "serial": f"P/{shop.count}", **about}, jeweller)
    return str(made.json()["id"])
