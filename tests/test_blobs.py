"""Stores of files, in a folder and in a bucket; and the encryption of what is put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.db.blobs import BlobStore, FolderStore, Missing, S3Store, open_store
from ledger.db.cipher import FILE, PART, TAG, THUMBNAIL, Altered, decrypt, encrypt
from ledger.errors import Unavailable
from tests.bucket import Bucket, bucket

KEY = bytes(range(32))
CONTENT = b"a photograph" * 20_000
PLACE = sha256(CONTENT).hexdigest()


@pytest.fixture
def service() -> Iterator[Bucket]:
    with bucket() as made:
        yield made


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return open_store(None, tmp_path, {})
    made: Bucket = request.getfixturevalue("service")
    return open_store("s3://shop/files", tmp_path, made.environ)


def parts(raw: bytes, size: int = 10_000) -> list[bytes]:
    return [raw[start : start + size] for start in range(0, len(raw), size)]


def test_what_is_put_is_got_by_the_digest_of_its_bytes(store: BlobStore) -> None:
    assert store.put(parts(CONTENT)) == PLACE
    assert b"".join(store.get(PLACE)) == CONTENT
    assert store.put(parts(CONTENT)) == PLACE, "twice the same is once"
    assert [place for place, _ in store.places()] == [PLACE]
    store.delete(PLACE)
    store.delete(PLACE)
    assert list(store.places()) == []
    with pytest.raises(Missing):
        store.get(PLACE)


def test_an_empty_file_and_one_that_fails_halfway(store: BlobStore) -> None:
    empty = store.put([])
    assert b"".join(store.get(empty)) == b""

    def broken() -> Iterator[bytes]:
        yield b"begun"
        raise Altered

    with pytest.raises(Altered):
        store.put(broken())
    assert [place for place, _ in store.places()] == [empty]


def test_a_folder_is_private_and_fans_out(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "blobs")
    store.put(parts(CONTENT))
    path = tmp_path / "blobs" / PLACE[:2] / PLACE[2:4] / PLACE
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, path.parent.parent, tmp_path / "blobs"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "blobs" / "new").iterdir()) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def watched_fsync(file: int) -> None:
        seen.append("fsync")
        fsync(file)

    def watched_rename(path: Path, to: Path) -> Path:
        seen.append("rename")
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "rename", watched_rename)
    FolderStore(tmp_path / "blobs").put([b"x"])
    assert seen[:2] == ["fsync", "rename"]
    assert seen[2:] == ["fsync"] * 3, "the folders too, or a power cut could take back the name"


def test_unfinished_files_are_tidied_when_they_are_old(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put([b"x"])
    left = tmp_path / "new" / "left"
    left.write_bytes(b"half")
    store.tidy(0)
    assert left.exists()
    store.tidy(2**62)
    assert not left.exists()
    assert len(list(store.places())) == 1


@pytest.mark.parametrize("place", ["../../etc/passwd", "a" * 63, "A" * 64, "/" + "a" * 63, "a" * 64 + "\n", ""])
def test_a_place_leads_nowhere_else(tmp_path: Path, place: str) -> None:
    store = FolderStore(tmp_path)
    for use in (store.get, store.delete):
        with pytest.raises(AssertionError):
            use(place)


def test_a_full_or_lost_disk_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be")
    store = FolderStore(tmp_path / "blobs" / "deeper")
    with pytest.raises(Unavailable):
        store.put([b"x"])
    with pytest.raises(Unavailable):
        store.get(PLACE)
    with pytest.raises(Unavailable):
        store.delete(PLACE)


def test_a_bucket_has_the_prefix_and_signed_requests(service: Bucket, tmp_path: Path) -> None:
    store = open_store("s3://shop/files", tmp_path, service.environ)
    assert isinstance(store, S3Store)
    store.put(parts(CONTENT))
    assert service.objects == {f"shop/files/{PLACE}": CONTENT}
    assert list(store.places()) == [(PLACE, service.written_at * 1_000_000)]
    service.objects["shop/files/somebody-elses"] = b""
    assert [place for place, _ in store.places()] == [PLACE]


def test_a_bucket_that_does_not_answer_or_does_not_know_us(service: Bucket, tmp_path: Path) -> None:
    store = open_store("s3://shop", tmp_path, service.environ | {"AWS_ACCESS_KEY_ID": "wrong"})
    for use in (lambda: store.put([b"x"]), lambda: store.get(PLACE), lambda: list(store.places())):
        with pytest.raises(Unavailable, match="does not answer"):
            use()
    assert service.objects == {}
    assert service.requests


@pytest.mark.parametrize("setting", ["http://x/y", "s3://", "ftp://x"])
def test_other_stores_are_unknown(tmp_path: Path, setting: str) -> None:
    with pytest.raises(Unavailable, match="unknown kind"):
        open_store(setting, tmp_path, {})
    assert isinstance(open_store(str(tmp_path / "elsewhere"), tmp_path, {}), FolderStore)


@given(st.binary(max_size=300), st.integers(1, 70), st.sampled_from([0, 1, PART - 1, PART, PART + 1, 3 * PART]))
def test_what_is_encrypted_is_decrypted(start: bytes, cut: int, more: int) -> None:
    raw = start + bytes(more)
    sealed = b"".join(encrypt(parts(raw, cut * 1000), KEY, FILE, b"row"))
    assert len(sealed) == 1 + len(raw) + TAG * max(1, -(-len(raw) // PART))
    assert b"".join(decrypt(parts(sealed, cut * 1000), KEY, FILE, b"row")) == raw


RAW = bytes(range(256)) * 1000
SEALED = b"".join(encrypt([RAW], KEY, FILE, b"row"))
STEP = PART + TAG


@pytest.mark.parametrize(
    "altered",
    [
        b"",
        SEALED[:1],
        SEALED[:-1],
        SEALED + b"x",
        b"\x02" + SEALED[1:],
        SEALED[:500] + b"?" + SEALED[501:],
        SEALED[: 1 + STEP],  # cut off between two parts
        SEALED[:1]
        + SEALED[1 + STEP : 1 + 2 * STEP]
        + SEALED[1 : 1 + STEP]
        + SEALED[1 + 2 * STEP :],  # two changed round
        SEALED[:1] + SEALED[1 + STEP :],
        SEALED + SEALED[1:],
    ],
    ids=range(10),
)
def test_what_was_altered_does_not_open(altered: bytes) -> None:
    with pytest.raises(Altered):
        list(decrypt([altered], KEY, FILE, b"row"))


def test_a_file_opens_only_as_what_it_is_and_for_its_row() -> None:
    for key, what, identity in ((bytes(32), FILE, b"row"), (KEY, THUMBNAIL, b"row"), (KEY, FILE, b"other")):
        with pytest.raises(Altered):
            list(decrypt([SEALED], key, what, identity))
    assert b"".join(encrypt([RAW], KEY, THUMBNAIL, b"row"))[1:] != SEALED[1:]
