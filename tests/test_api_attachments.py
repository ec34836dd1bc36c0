"""Files over HTTP: uploading, listing in a statement, reading; and what attackers send."""

from __future__ import annotations

import asyncio
import errno
import io
import tracemalloc
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from api.files.kinds import MAX_FILE
from tests import files
from tests.build import uuid
from tests.files import SECRETS, jpeg, pdf, png, webp
from tests.shop import RING, Party, Shop, open_shop, segment

PATH = "/v1/attachments"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Shop]:
    """On SQLite alone, for what is refused before the database is asked."""
    with open_shop(tmp_path) as opened:
        yield opened


def upload(shop: Shop, who: Party, raw: bytes, kind: str = "image/jpeg", query: str = "") -> Any:
    return shop.client.post(PATH + query, content=raw, headers={**who.headers, "Content-Type": kind})


def listed(shop: Shop, who: Party, raw: bytes | None = None) -> dict[str, Any]:
    """An uploaded file, as a statement lists it."""
    answer = upload(shop, who, raw or jpeg(), "application/octet-stream")
    assert answer.status_code in {200, 201}, answer.text
    attachment: dict[str, Any] = answer.json()["attachment"]
    return attachment


def test_a_full_disk_asks_to_come_back_later(one: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    who = one.party("workshop", "repairer")
    monkeypatch.setattr("api.routes.attachments.tempfile.TemporaryFile", lambda **_: Full())
    answer = upload(one, who, jpeg())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "no space left on device" in answer.json()["detail"]


def nothing_kept(shop: Shop) -> bool:
    blobs = shop.ledger.directory / "blobs"
    return not [path for path in blobs.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(jpeg(), "image/jpeg"), (png(), "image/png"), (webp(), "image/webp"), (pdf(), "application/pdf")],
    ids=["jpeg", "png", "webp", "pdf"],
)
def test_what_is_uploaded_is_listed_and_read_again(shop: Shop, raw: bytes, kind: str) -> None:
    mine = shop.party("mine", "retailer")
    answer = upload(shop, mine, raw, kind, "?name=front.1")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    attachment = found["attachment"]
    assert (attachment["name"], attachment["media_type"]) == ("front.1", kind)
    assert answer.headers["location"] == found["address"] == f"{PATH}/{attachment['sha256']}"
    receipt = shop.say(
        mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"}, attachments=[attachment]
    )
    assert attachment["sha256"] in receipt["entry"]
    read = shop.get(found["address"], mine)
    assert read.status_code == 200
    assert sha256(read.content).hexdigest() == attachment["sha256"]
    assert len(read.content) == attachment["size"] == int(read.headers["content-length"])
    assert not any(secret in read.content for secret in SECRETS)
    assert read.headers["content-type"] == kind
    assert read.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in read.headers["content-security-policy"]
    assert read.headers["content-disposition"].startswith("attachment" if kind.endswith("pdf") else "inline")
    if kind == "application/pdf":
        assert "thumbnail" not in found
        assert shop.get(f"{found['address']}/thumbnail", mine).status_code == 404
    else:
        assert (found["width"], found["height"]) == (60, 40)
        small = shop.get(found["thumbnail"], mine)
        assert Image.open(io.BytesIO(small.content)).format == "JPEG"


def test_uploading_again_is_answered_alike(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    first, again = upload(shop, mine, png(), "image/png"), upload(shop, mine, png(), "image/png")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_another_party_reads_nothing_that_is_not_public_and_cannot_tell_that_it_is_there(shop: Shop) -> None:
    mine, rival = shop.party("mine", "retailer"), shop.party("rival", "retailer")
    attachment = listed(shop, mine)
    where = f"{PATH}/{attachment['sha256']}"
    for path in (where, f"{where}/thumbnail"):
        hidden, unknown = shop.get(path, rival), shop.get(path.replace(attachment["sha256"], "0" * 64), rival)
        malformed = shop.get(path.replace(attachment["sha256"], "x"), rival)
        answers = [{**one.json(), "request_id": ""} for one in (hidden, unknown, malformed)]
        assert answers[0] == answers[1] == answers[2]
        assert hidden.status_code == 404
    assert shop.get(where).status_code == 401
    # Nor does the rival learn it by uploading the same, or by listing it.
    about = {"name": "Ring", "category": "jewellery"}
    claimed = shop.statement(rival, "item.registered", RING, about, attachments=[attachment])
    invented = shop.statement(rival, "item.registered", RING, about, attachments=[attachment | {"sha256": "0" * 64}])
    refused = [shop.post("/v1/statements", {"statement": one}, rival) for one in (claimed, invented)]
    assert [one.status_code for one in refused] == [422, 422]
    assert refused[0].json()["detail"] == refused[1].json()["detail"]
    assert refused[0].json()["errors"][0]["pointer"] == "/statement/attachments/0"
    assert upload(shop, rival, jpeg()).status_code == 201


def test_a_public_file_is_read_by_every_key_and_by_the_items_code(shop: Shop) -> None:
    mine, rival = shop.party("mine", "retailer"), shop.party("rival", "retailer")
    attachment = listed(shop, mine)
    shop.say(mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"}, attachments=[attachment])
    other = uuid("another item")
    shop.say(mine, "item.registered", other, {"name": "Ring", "category": "jewellery"})
    assert shop.get(f"{PATH}/{attachment['sha256']}", rival).status_code == 200
    for path in (attachment["sha256"], f"{attachment['sha256']}/thumbnail"):
        assert shop.get(f"/i/{shop.code(mine)}/attachments/{path}").status_code == 200
        wrong = [
            f"/i/{shop.code(mine, other)}/attachments/{path}",
            f"/i/{'A' * 22}/attachments/{path}",
            f"/i/x/attachments/{path}",
            f"/i/{shop.code(mine)}/attachments/{path.replace(attachment['sha256'], '0' * 64)}",
            f"/i/{shop.code(mine)}/attachments/{path.replace(attachment['sha256'], 'x')}",
        ]
        answers = [shop.get(one) for one in wrong]
        assert {one.status_code for one in answers} == {404}
        assert len({one.json()["detail"] for one in answers}) == 1


def test_reading_a_private_file_is_written_down_and_a_public_one_is_not(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    private, public = listed(shop, mine), listed(shop, mine, png())
    shop.say(mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"}, attachments=[public])
    statement = shop.statement(mine, "item.inspected", RING, {"tests": []})
    given = {"statement": statement, "private": {"attachments": [private]}}
    assert shop.post("/v1/statements", given, mine).status_code == 201
    assert shop.get(f"{PATH}/{public['sha256']}", mine).status_code == 200
    assert shop.ledger.readings.readings()[0] == []
    assert shop.get(f"{PATH}/{private['sha256']}/thumbnail", mine).status_code == 200
    (reading,), _ = shop.ledger.readings.readings()
    assert (reading.party, reading.subject, reading.statement) == (mine.id, RING, statement["id"])
    assert (reading.members, reading.owner) == (("attachments",), mine.id)
    assert shop.get(f"/i/{shop.code(mine)}/attachments/{private['sha256']}").status_code == 404


def test_an_altered_file_is_not_sent_and_is_marked(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    attachment = listed(shop, mine)
    shop.say(mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"}, attachments=[attachment])
    address = f"{PATH}/{attachment['sha256']}"
    kept = shop.ledger.attachments.find(attachment["sha256"], [mine.id])
    assert kept is not None
    (path,) = (shop.ledger.directory / "blobs").glob(f"??/??/{kept.place.hex()}")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for where in (address, f"{address}/thumbnail"):
        answer = shop.get(where, mine)
        assert (answer.status_code, answer.json()["type"]) == (410, "/docs/problems#gone")
        assert "not the one that was uploaded" in answer.json()["detail"]
    assert shop.ledger.attachments.states([mine.id], [attachment["sha256"]]) == {attachment["sha256"]: "altered"}
    path.unlink()
    assert "missing" in shop.get(address, mine).json()["detail"]
    path.write_bytes(whole)
    assert shop.get(address, mine).status_code == 200


def test_an_erased_file_is_said_to_be_removed(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    attachment = listed(shop, mine)
    said = shop.say(mine, "item.registered", RING, {"name": "Ring", "category": "jewellery"}, attachments=[attachment])
    assert shop.ledger.attachments.erase([said["id"]]) == 1
    for where in ("", "/thumbnail"):
        answer = shop.get(f"{PATH}/{attachment['sha256']}{where}", mine)
        assert (answer.status_code, answer.json()["detail"]) == (410, "removed on request")
    assert nothing_kept(shop)


def test_a_statement_sent_again_is_answered_whatever_became_of_its_file(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    statement = shop.registered(mine, attachments=[listed(shop, mine)])
    assert shop.post("/v1/statements", {"statement": statement}, mine).status_code == 201
    shop.ledger.attachments.erase([statement["id"]])
    assert shop.post("/v1/statements", {"statement": statement}, mine).status_code == 200
    another = shop.registered(mine, uuid("x"), attachments=statement["attachments"])
    assert shop.post("/v1/statements", {"statement": another}, mine).status_code == 422


def test_in_a_batch_each_statement_has_its_own_files(shop: Shop) -> None:
    mine = shop.party("mine", "retailer")
    good = shop.registered(mine, uuid("a"), attachments=[listed(shop, mine)])
    bad = shop.registered(mine, uuid("b"), attachments=[{**good["attachments"][0], "size": 1}])
    answer = shop.post("/v1/statements/batch", [{"statement": one} for one in (bad, good)], mine).json()
    assert answer[0]["errors"][0]["pointer"] == "/0/statement/attachments/0"
    assert "receipt" in str(answer[1]) or answer[1]["id"] == good["id"]
    size = shop.size()
    refused = shop.post("/v1/statements/batch?atomic=true", [{"statement": bad}], mine)
    assert (refused.status_code, shop.size()) == (422, size)


@pytest.mark.parametrize(
    ("raw", "label", "status"),
    [
        (jpeg(), "image/png", 415),
        (pdf(), "image/jpeg", 415),
        (b"<html><script>alert(1)</script>", "image/png", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "image/svg+xml", 415),
        (b"GIF89a" + bytes(50), "image/gif", 415),
        (jpeg(), "multipart/form-data; boundary=x", 415),
        (jpeg(), "image/jpeg\x01", 415),
        (b"", "image/jpeg", 400),
        (jpeg()[:300], "image/jpeg", 400),
        (files.png_header(65_535, 65_535), "image/png", 413),
        (pdf(AA={}), "application/pdf", 422),
    ],
    ids=["png", "pdf", "html", "svg", "gif", "form", "control", "nothing", "half", "bomb", "active"],
)
def test_what_is_refused_leaves_nothing_behind(one: Shop, raw: bytes, label: str, status: int) -> None:
    answer = upload(one, one.operator, raw, label)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "\x01" not in answer.text
    assert nothing_kept(one)


def test_a_file_that_is_too_large_is_refused_at_its_first_byte_too_many(one: Shop) -> None:
    declared = upload(one, one.operator, jpeg() + bytes(MAX_FILE))
    assert (declared.status_code, declared.headers["connection"]) == (413, "close")
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(3 * MAX_FILE // 65_536):
            sent += 65_536
            yield bytes(65_536)

    streamed = one.client.post(PATH, content=chunks(), headers=one.operator.headers)
    assert streamed.status_code == 413
    assert nothing_kept(one)
    # Another address may not have as much.
    assert (
        one.client.post("/v1/statements", content=bytes(2 * 1024 * 1024), headers=one.operator.headers).status_code
        == 413
    )


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..", ".htaccess", "a/b.jpg", "a\\b.jpg", "C:x", "a\r\nSet-Cookie: x=1", "a\0.jpg", "A.jpg",
     "é.jpg", "x" * 65, "", "a b", "%2e%2e", "a\x1b[31m"],
)  # fmt: skip
def test_names_that_lead_elsewhere_or_break_lines_are_refused(
    one: Shop, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = one.client.post(PATH, params={"name": name}, content=jpeg(), headers=one.operator.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "name"
    assert "set-cookie" not in answer.headers
    assert name not in caplog.text or not name
    assert nothing_kept(one)


@pytest.mark.parametrize(
    "digest", ["..%2f..%2fmaster.key", "%2e%2e", "0" * 63, "G" * 64, "A" * 64, "%00" * 8, "0" * 64 + "%0d%0aX:1"]
)
def test_digests_that_are_none_are_not_found(one: Shop, digest: str) -> None:
    for path in (f"{PATH}/{digest}", f"{PATH}/{digest}/thumbnail"):
        assert one.get(path, one.operator).status_code == 404


def send(shop: Shop, who: Party, parts: Iterable[bytes], *, broken_off: bool = False) -> int:
    """The status of an upload that comes in these parts, in the application's own loop."""
    assert shop.client.portal is not None
    status: int = shop.client.portal.call(_send, shop.app, who, iter(parts), broken_off)
    return status


async def _send(app: Any, who: Party, parts: Iterator[bytes], broken_off: bool) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        part = next(parts, None)
        if part is None:
            return {"type": "http.disconnect"} if broken_off else {"type": "http.request", "body": b""}
        return {"type": "http.request", "body": part, "more_body": True}

    async def send_on(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", who.headers["Authorization"].encode())]
    scope = {
        "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("shop.example", 8000),
    }  # fmt: skip
    await app(scope, receive, send_on)
    status: int = sent[0]["status"]
    return status


def test_one_file_uploaded_at_once_by_many_is_kept_once(one: Shop) -> None:
    mine = one.party("mine", "retailer")

    async def together() -> list[int]:
        return await asyncio.gather(*[_send(one.app, mine, iter([jpeg(600, 400)]), False) for _ in range(5)])

    assert one.client.portal is not None
    assert sorted(one.client.portal.call(together)) == [200, 200, 200, 200, 201]
    assert len(list((one.ledger.directory / "blobs").glob("??/??/*"))) == 2


def test_an_upload_that_is_broken_off_is_no_fault_and_leaves_nothing(
    one: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    assert send(one, one.operator, [jpeg()[:100], jpeg()[100:]], broken_off=True) == 400
    assert "failed" not in caplog.text
    assert nothing_kept(one)


def test_a_large_file_passes_through_little_memory(one: Shop) -> None:
    noise = io.BytesIO()
    Image.effect_noise((3600, 3600), 80).save(noise, "PNG")
    raw = noise.getvalue()
    assert len(raw) > 10_000_000
    parts = [raw[start : start + 65_536] for start in range(0, len(raw), 65_536)]
    digest = ""
    tracemalloc.start()
    try:
        assert send(one, one.operator, parts) == 201
        (path,) = one.ledger.attachments._recent
        digest = path[1]
        kept = one.ledger.attachments.find(digest, [one.operator.id])
        assert kept is not None
        one.ledger.attachments.verify(kept)
        assert sum(len(part) for part in one.ledger.attachments.parts(kept)) == kept.size > 10_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_too_many_bytes_that_no_statement_lists_are_too_many(one: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.db import attachments  # noqa: PLC0415

    monkeypatch.setattr(attachments, "MAX_WAITING", 10)
    answer = upload(one, one.operator, jpeg())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert nothing_kept(one)


def test_no_file_lies_about_in_clear(one: Shop) -> None:
    attachment = listed(one, one.operator, jpeg())
    clear = one.get(f"{PATH}/{attachment['sha256']}", one.operator).content
    for path in one.ledger.directory.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert clear[100:200] not in raw, path
            assert not any(secret in raw for secret in SECRETS), path


def test_encoded_ids_still_lead_to_items(one: Shop) -> None:
    """The longer bodies are for one address, however it is written."""
    assert one.client.post(
        f"/v1/items/{segment(PATH)}/codes", content=bytes(2_000_000), headers=one.operator.headers
    ).status_code in {404, 413}
