"""The log over HTTP, read as a monitor does: checkpoint, tiles, bundles, proofs, map, keys."""

from __future__ import annotations

import gzip
from base64 import b64decode
from collections.abc import Iterator

import pytest
from msgspec import convert

from ledger import merkle, submap, tiles
from ledger.bundle import MapPart, map_proof_of
from ledger.checkpoint import Checkpoint, check_checkpoint
from ledger.leaf import Seal, parse_leaf
from ledger.note import parse_vkey
from tests.build import uuid
from tests.shop import RING, Shop, open_shop, segment

ITEMS = 300


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        jeweller = shop.party("jeweller", "retailer")
        shop.say(jeweller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
        batch = [{"statement": shop.registered(jeweller, uuid(f"item {n}"))} for n in range(ITEMS)]
        assert shop.post("/v1/statements/batch", batch, jeweller).status_code == 200
        yield shop


@pytest.fixture
def head(shop: Shop) -> Checkpoint:
    """The checkpoint, verified with the key that the ledger names."""
    keys = shop.get("/v1/log/keys").json()
    vkeys = [parse_vkey(key["vkey"]) for key in keys["keys"] if key["state"] == "in_force"]
    answer = shop.get("/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return check_checkpoint(answer.text, vkeys, keys["origin"])


def leaves(shop: Shop, size: int) -> list[bytes]:
    """Every leaf, read from entry bundles."""
    found: list[bytes] = []
    for level, n, width in tiles.tiles_of(size):
        if level == 0:
            answer = shop.get("/" + tiles.entries_path(n, width))
            assert answer.status_code == 200, answer.text
            found += tiles.parse_bundle(answer.content)
    return found


def test_tiles_and_bundles_rebuild_the_tree_that_is_signed(shop: Shop, head: Checkpoint) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves(shop, head.size)]
    assert merkle.root_from(hashes) == head.root
    for level, n, width in tiles.tiles_of(head.size):
        answer = shop.get("/" + tiles.tile_path(level, n, width))
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["access-control-allow-origin"] == "*"
        if level == 0:
            assert tiles.parse_tile(answer.content) == hashes[n * 256 : n * 256 + width]


def test_bundles_come_compressed_to_whoever_takes_gzip(shop: Shop) -> None:
    plain = shop.get("/tile/entries/000", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    with shop.client.stream("GET", "/tile/entries/000", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        tag = packed.headers["etag"]
    assert gzip.decompress(raw) == plain.content
    refused = shop.get("/tile/entries/000", accept_encoding="gzip;q=0, identity")
    assert "content-encoding" not in refused.headers
    assert refused.headers["etag"] == plain.headers["etag"] != tag


@pytest.mark.parametrize(("path", "other"), [("/tile/0/000", "/tile/0/000.p/9"), ("/tile/entries/000", "/checkpoint")])
def test_who_has_a_tile_is_not_sent_it_again(shop: Shop, path: str, other: str) -> None:
    first = shop.get(path)
    tag = first.headers["etag"]
    assert (first.status_code, first.headers["cache-control"].split(", ")[-1]) == (200, "immutable")
    for known in (tag, f'"x", W/{tag}'):
        again = shop.get(path, if_none_match=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert shop.get(path, if_none_match='"x"').content == first.content
    assert shop.get(other, if_none_match=tag).status_code == 200


@pytest.mark.parametrize(
    "path",
    (
        "0/001 0/999 0/00 0/000.p/256 0/000.p/0 0/000.p/01 x/000 entries/999 entries/0 0/000/ 0/x000/000 64/000 "
        "0/٠٠٠ 0/%30%30%30 entries/000.p/256"
    ).split(),
)
def test_a_tile_that_is_not_there_is_not_found(shop: Shop, path: str) -> None:
    assert shop.get(f"/tile/{path}").status_code == 404


def test_inclusion_and_consistency_prove_what_they_say(shop: Shop, head: Checkpoint) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves(shop, head.size)]
    for index in (0, 5, head.size - 1):
        proof = shop.get(f"/v1/log/proof/inclusion?index={index}").json()
        assert proof["size"] == head.size
        merkle.check_inclusion(index, head.size, hashes[index], [b64decode(one) for one in proof["hashes"]], head.root)
    early = shop.get("/v1/log/proof/inclusion?index=2&size=7").json()
    merkle.check_inclusion(2, 7, hashes[2], [b64decode(one) for one in early["hashes"]], merkle.root_from(hashes[:7]))
    proof = shop.get("/v1/log/proof/consistency?old=7").json()
    found = [b64decode(one) for one in proof["hashes"]]
    merkle.check_consistency(7, head.size, merkle.root_from(hashes[:7]), head.root, found)


@pytest.mark.parametrize(
    "query",
    (
        "inclusion inclusion?index=999999 inclusion?index=5&size=5 inclusion?index=-1 inclusion?index=1_0 "
        "inclusion?index=0&size=99999999999999999999 consistency consistency?old=9&new=8 consistency?old=0&new=99999"
    ).split(),
)
def test_proofs_refuse_numbers_that_name_none(shop: Shop, query: str) -> None:
    answer = shop.get(f"/v1/log/proof/{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/problems#invalid")


@pytest.mark.parametrize(("subject", "count"), [(RING, 1), (uuid("item 7"), 1), (uuid("nobody"), 0)])
def test_the_map_says_how_much_there_is_or_that_there_is_nothing(
    shop: Shop, head: Checkpoint, subject: str, count: int
) -> None:
    proof = shop.get(f"/v1/log/map/{segment(subject)}").json()
    raw = proof["tail"]["entry"].encode()
    seal = parse_leaf(raw)
    assert isinstance(seal, Seal)
    found = [b64decode(one) for one in proof["tail"]["proof"]]
    merkle.check_inclusion(head.size - 1, head.size, merkle.leaf_hash(raw), found, head.root)
    part = map_proof_of(convert(proof["map"], MapPart))
    submap.check_map(bytes.fromhex(seal.map_root), submap.key_of(subject), part)
    assert part.count == count


def test_the_map_refuses_what_is_no_subject(shop: Shop) -> None:
    assert shop.get(f"/v1/log/map/{segment('urn:uuid:X')}").status_code == 422
