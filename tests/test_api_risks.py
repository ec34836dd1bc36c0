"""`GET /v1/risks` and `patina signals`: whose signals one sees, and that a page that is opened is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from api.cli import init, signals
from ledger.db.tables import scan
from tests.shop import RING, Shop, open_shop


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, entries_public=False) as opened:
        yield opened


def revoke(shop: Shop) -> list[int]:
    """A laboratory certifies the ring and takes that back; the indexes."""
    seller, lab = shop.party("seller", "retailer"), shop.party("lab", "certifier")
    shop.say(seller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    code = {"Patina-Code": shop.code(seller)}
    found = []
    for kind, details in (
        ("certified", {"certificate_no": "C1", "result": "authentic", "methods": ["loupe"]}),
        ("revoked", {"certificate_no": "C1", "reason": "treated"}),
    ):
        said = shop.statement(lab, f"authentication.{kind}", RING, details)
        answer = shop.post("/v1/statements", {"statement": said}, lab, **code)
        assert answer.status_code == 201, answer.text
        found.append(answer.json()["index"])
    return found


def test_a_party_sees_its_own_and_the_operator_and_auditors_all(shop: Shop) -> None:
    entries = revoke(shop)
    rival, auditor = shop.party("rival", "retailer"), shop.party("auditor", "auditor", scopes=("read",))
    lab = shop.parties["lab"]
    (one,) = shop.get("/v1/risks", lab).json()["signals"]
    assert one == {
        "kind": "certificates_revoked",
        "severity": "medium",
        "party": lab.id,
        "entries": entries,
        "figures": {"recent": 1},
    }
    assert shop.get("/v1/risks", rival).json()["signals"] == []
    for who in (shop.operator, auditor):
        answer = shop.get("/v1/risks", who).json()
        assert (answer["signals"], answer["size"]) == ([one], shop.size())


def test_what_is_less_severe_can_be_left_out(shop: Shop) -> None:
    revoke(shop)
    assert len(shop.get("/v1/risks?least=medium", shop.operator).json()["signals"]) == 1
    assert shop.get("/v1/risks?least=high", shop.operator).json()["signals"] == []
    wrong = shop.get("/v1/risks?least=some", shop.operator)
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "least")


def test_a_page_that_is_opened_is_counted_and_one_that_is_not_is_not(shop: Shop) -> None:
    seller = shop.party("seller", "retailer")
    shop.say(seller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    token = shop.code(seller)
    for _ in range(3):
        assert shop.get(f"/i/{token}").status_code == 200
    assert shop.get("/i/" + "A" * 22).status_code == 404
    shop.ledger.risks.flush()
    code = shop.ledger.codes.find(token)
    assert code is not None
    with shop.ledger._engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(select(scan))] == [(code.id, "2026-05-04", 3)]


def test_the_command_prints_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init.create(tmp_path / "var", "signals.example/log")
    assert signals.main(["--dir", str(tmp_path / "var")]) == 0
    assert "nothing to look at" in capsys.readouterr().out
    assert signals.main(["--dir", str(tmp_path / "var"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signals"] == []
