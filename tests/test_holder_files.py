"""Private files and the holder: she reads those of her own time and attaches hers; whoever held before is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.counts import WINDOW
from api.limits import UPLOADS
from ledger import times
from ledger.asking import GOOD_FOR, Asking, sign_asking
from ledger.disclosure import format_base64url, make_disclosure
from ledger.dsse import SigningKey
from ledger.private import make_digests
from tests.build import key, uuid
from tests.files import jpeg, pdf, png
from tests.holding import Paper, claim, draw_paper, grant_in, new_ring, shop_on, sold_ring, speak, spoken
from tests.private_shop import erased
from tests.shop import Party, Shop, segment
from tests.test_api_attachments import listed

CASE = uuid("the case")
OPENED = {"kind": "repair", "channel": "store", "issue": "quality"}


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with shop_on(request, tmp_path) as opened:
        yield opened


@pytest.fixture
def jeweller(shop: Shop) -> Party:
    return shop.parties["jeweller"]


def told(shop: Shop, who: Party, kind: str, item: str, *, details: dict[str, Any], private: Any) -> Any:
    statement = shop.statement(who, kind, item, details)
    answer = shop.post("/v1/statements", {"statement": statement, "private": private}, who)
    assert answer.status_code == 201, answer.text
    return statement


def grant_now(shop: Shop, item: str) -> str:
    state = shop.ledger.reader.state(item)
    assert state is not None
    holding = state.held.at(times.format_recorded(shop.clock())).holding
    assert holding is not None
    return str(holding.present.entry)


def asking(shop: Shop, item: str, by: SigningKey, grant: str | None = None) -> dict[str, Any]:
    at = times.format_recorded(shop.clock())
    return sign_asking(Asking(shop.ledger.id, item, grant or grant_now(shop, item), at), by)


def read(shop: Shop, token: str, digest: str, asked: dict[str, Any]) -> Any:
    return shop.post(f"/i/{token}/attachments/{digest}", asked)


def upload(shop: Shop, token: str, raw: bytes, asked: dict[str, Any] | str | None, query: str = "") -> Any:
    header = asked if isinstance(asked, str) else format_base64url(json.dumps(asked).encode())
    headers = {} if asked is None else {"Patina-Asking": header}
    return shop.client.post(f"/i/{token}/attachments{query}", content=raw, headers=headers)


def stored(shop: Shop) -> int:
    return len([path for path in (shop.ledger.directory / "blobs").rglob("*") if path.is_file()])


def sold_with_photo(shop: Shop, jeweller: Party) -> tuple[Paper, dict[str, Any], dict[str, Any]]:
    """A ring with a private photograph of an earlier time and one of the sale; its paper and both files."""
    earlier, photo = listed(shop, jeweller, png()), listed(shop, jeweller, jpeg())
    paper = draw_paper(shop, jeweller, new_ring(shop, jeweller))
    polished = {"work": ["polish"]}
    told(shop, jeweller, "maintenance.performed", paper.item, details=polished, private={"attachments": [earlier]})
    held = {"channel": "store", "holder_key": paper.key.did, "holder_custody": "receipt"}
    told(shop, jeweller, "item.sold", paper.item, details=held, private={"attachments": [photo]})
    return paper, earlier, photo


def test_the_holder_reads_private_files_of_her_own_time_and_the_log_names_her_key(shop: Shop, jeweller: Party) -> None:
    paper, earlier, photo = sold_with_photo(shop, jeweller)
    assert shop.get(f"/i/{paper.token}/attachments/{photo['sha256']}").status_code == 404, "not by the code alone"
    by_paper = read(shop, paper.token, photo["sha256"], asking(shop, paper.item, paper.key))
    phone = claim(shop, paper)
    answer = read(shop, paper.token, photo["sha256"], asking(shop, paper.item, phone))
    assert (by_paper.status_code, answer.status_code) == (200, 200)
    assert sha256(answer.content).hexdigest() == photo["sha256"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    noted = [one for one in shop.get("/v1/readings", jeweller).json()["readings"] if one["key"] == phone.did]
    assert [(one["members"], one["why"]) for one in noted] == [(["attachments"], "POST /i/{token}/attachments")]
    missing = [
        read(shop, paper.token, digest, asking(shop, paper.item, phone))
        for digest in (earlier["sha256"], "0" * 64, "x", "%00", "..%2F..")
    ]
    assert [one.status_code for one in missing] == [404] * 5
    assert len({one.json()["detail"] for one in missing}) == 1, "of an earlier time, unknown and malformed alike"


def test_whoever_does_not_hold_it_now_is_refused(shop: Shop, jeweller: Party) -> None:
    paper, _, photo = sold_with_photo(shop, jeweller)
    digest = photo["sha256"]
    phone, stranger, new = claim(shop, paper), key("a stranger"), key("the next holder")
    gift = shop.post(f"/v1/items/{segment(paper.item)}/codes", {"kind": "gift"}, jeweller).json()["token"]
    old, other = asking(shop, paper.item, phone), sold_ring(shop, jeweller)
    paper_grant = sign_asking(
        Asking(shop.ledger.id, paper.item, grant_now(shop, paper.item), times.format_recorded(shop.clock())), paper.key
    )
    for token, asked, status in (
        (paper.token, paper_grant, 403),  # the paper, after a claim
        (paper.token, asking(shop, paper.item, stranger), 403),
        (gift, old, 403),
        (other.token, old, 403),
        ("A" * 22, old, 404),
        (paper.token, {}, 422),
        (paper.token, {"asked": old["asked"]}, 422),
    ):
        assert read(shop, token, digest, asked).status_code == status
        assert upload(shop, token, jpeg(), asked).status_code == status
    shop.clock.now += GOOD_FOR + 1
    assert read(shop, paper.token, digest, old).status_code == 403, "an asking that was kept"
    answer = speak(shop, paper, "item.transferred", phone, also=new)
    token = answer.json()["code"]["token"]
    grant = grant_in(answer)
    former = asking(shop, paper.item, phone)
    assert read(shop, paper.token, digest, former).status_code == 403, "her code has fallen"
    assert read(shop, token, digest, former).status_code == 403, "nor by another's code"
    assert upload(shop, token, jpeg(), former).status_code == 403
    assert read(shop, token, digest, asking(shop, paper.item, new, grant)).status_code == 404, "not of her time"


def attach(shop: Shop, paper: Paper, phone: SigningKey, file: dict[str, Any]) -> tuple[Any, str]:
    """The answer to a statement of the holder's with a private file, and the statement's id."""
    text = make_disclosure("attachments", [file], bytes(range(16)))
    body = spoken(
        shop, paper, "case.opened", phone, OPENED, case=CASE,
        _sd=list(make_digests("case.opened", [text], os.urandom)), _sd_alg="sha-256",
    )  # fmt: skip
    return shop.post(f"/i/{paper.token}/statements", body | {"disclosures": [text]}), body["statement"]["id"]


def test_the_holder_attaches_a_private_file_which_those_it_is_for_read(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    phone = claim(shop, paper)
    made = upload(shop, paper.token, jpeg(), asking(shop, paper.item, phone), "?name=claw.jpg")
    assert made.status_code == 201, made.text
    file = made.json()["attachment"]
    assert (file["name"], file["media_type"]) == ("claw.jpg", "image/jpeg")
    digest = file["sha256"]
    assert read(shop, paper.token, digest, asking(shop, paper.item, phone)).status_code == 404, "no statement lists it"
    answer, said = attach(shop, paper, phone, file)
    assert answer.status_code == 201, answer.text
    mine = read(shop, paper.token, digest, asking(shop, paper.item, phone))
    assert (mine.status_code, sha256(mine.content).hexdigest()) == (200, digest)
    assert shop.get(f"/v1/attachments/{digest}", jeweller).status_code == 200, "who sold it last"
    assert shop.get(f"/v1/attachments/{digest}", shop.parties["rival"]).status_code == 404
    made = shop.post(f"/v1/items/{segment(paper.item)}/codes", {"kind": "case", "case": CASE}, jeweller)
    token = made.json()["token"]
    assert shop.get(f"/c/{token}/attachments/{digest}").status_code == 200, "by the code of its case"
    assert shop.get(f"/i/{token}/attachments/{digest}").status_code == 404
    assert shop.get(f"/c/{paper.token}/attachments/{digest}").status_code == 404
    assert shop.get(f"/c/{token}/attachments/{'0' * 64}").status_code == 404
    page = shop.get(f"/c/{token}").text
    assert f'<a href="/c/{token}/attachments/{digest}"><img src="/c/{token}/attachments/{digest}/thumbnail"' in page
    assert shop.get(f"/c/{token}/attachments/{digest}/thumbnail").headers["content-type"] == "image/jpeg"
    assert page.count(digest) == 2, "as a file, and not once more among the facts"
    erased(shop, shop.operator, statements=[said], classes=["media"])
    assert read(shop, paper.token, digest, asking(shop, paper.item, phone)).status_code == 404
    assert stored(shop) == 0
    assert "removed on request" in shop.get(f"/c/{token}").text


def test_the_code_of_a_case_opens_public_files_of_its_item_and_private_ones_of_no_other_case(
    shop: Shop, jeweller: Party
) -> None:
    paper = sold_ring(shop, jeweller)
    public, private = listed(shop, jeweller, png()), listed(shop, jeweller, jpeg())
    shop.say(jeweller, "case.opened", paper.item, OPENED, case=CASE, attachments=[public])
    other = shop.statement(jeweller, "case.opened", paper.item, OPENED, case=uuid("another case"))
    body = {"statement": other, "private": {"attachments": [private]}}
    assert shop.post("/v1/statements", body, jeweller).status_code == 201
    made = shop.post(f"/v1/items/{segment(paper.item)}/codes", {"kind": "case", "case": CASE}, jeweller)
    token = made.json()["token"]
    assert shop.get(f"/c/{token}/attachments/{public['sha256']}").status_code == 200
    assert shop.get(f"/c/{token}/attachments/{private['sha256']}").status_code == 404
    assert public["sha256"] in shop.get(f"/c/{token}").text
    assert private["sha256"] not in shop.get(f"/c/{token}").text


def test_a_file_that_was_not_uploaded_for_the_item_cannot_be_attached(shop: Shop, jeweller: Party) -> None:
    paper, other = sold_ring(shop, jeweller), sold_ring(shop, jeweller)
    phone, hers = claim(shop, paper), claim(shop, other)
    file = upload(shop, other.token, jpeg(), asking(shop, other.item, hers)).json()["attachment"]
    size = shop.size()
    answer, _ = attach(shop, paper, phone, file)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/private/attachments/0")
    assert shop.size() == size


def test_what_is_uploaded_and_not_listed_is_swept_away(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    assert upload(shop, paper.token, pdf(), asking(shop, paper.item, paper.key)).status_code == 201
    assert stored(shop) > 0
    shop.clock.now += 2 * times.DAY
    shop.ledger.attachments.sweep()
    assert stored(shop) == 0


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 400), ("", 400), ("%%%", 400), ("AAAA", 400), ("W10", 400), ("A" * 5000, 400), ("e30", 422)],
)
def test_an_upload_without_a_signed_asking_keeps_nothing(
    shop: Shop, jeweller: Party, header: str | None, status: int
) -> None:
    paper = sold_ring(shop, jeweller)
    answer = upload(shop, paper.token, jpeg(), header)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert stored(shop) == 0


@pytest.mark.parametrize("raw", [b"", b"GIF89a", b"<svg onload=alert(1)>", b"\xff\xd8\xff broken"])
def test_what_is_no_file_that_is_taken_is_refused_to_a_holder_as_to_a_shop(
    shop: Shop, jeweller: Party, raw: bytes
) -> None:
    paper = sold_ring(shop, jeweller)
    answer = upload(shop, paper.token, raw, asking(shop, paper.item, paper.key))
    assert answer.status_code in {400, 415, 422}
    assert stored(shop) == 0


def test_how_much_a_holder_may_upload_is_limited(shop: Shop, jeweller: Party) -> None:
    paper = sold_ring(shop, jeweller)
    asked = asking(shop, paper.item, paper.key)
    answers = [upload(shop, paper.token, b"no file", asked).status_code for _ in range(UPLOADS + 1)]
    assert answers == [415] * UPLOADS + [429]
    shop.clock.now += WINDOW
    assert upload(shop, paper.token, jpeg(), asking(shop, paper.item, paper.key)).status_code == 201
