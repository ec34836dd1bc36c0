"""Uploaded files on both databases: nothing accepted is lost, nothing is half, altered files show, erased ones go."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen

from ledger import times
from ledger.db import attachments as files
from ledger.db.copies import ALTERED, MISSING, WHOLE, Gone, Use
from ledger.db.engine import WRITE, open_engine
from ledger.errors import Invalid, Refused, Unavailable
from ledger.leaf import Attachment
from tests.bucket import bucket
from tests.kept_files import CONTENT, DIGEST, RIVAL, SHOP, SMALL, keep, keep_of, keys, listed, read, say, shop, stored
from tests.stall import Stall, stall, urn

__all__ = ["shop"]


def test_a_file_is_kept_encrypted_and_read_again(shop: Stall) -> None:
    kept = keep(shop)
    assert (kept.sha256, kept.size, kept.media_type, kept.state) == (DIGEST, len(CONTENT), "image/jpeg", WHOLE)
    assert read(shop, kept) == CONTENT
    assert read(shop, kept, thumbnail=True) == SMALL
    places = stored(shop)
    assert len(places) == 2
    for path in places:
        raw = path.read_bytes()
        assert sha256(raw).hexdigest() == path.name, "a store can be checked without any key"
        assert b"camera saw" not in raw
        assert DIGEST not in path.name
    assert not keep(shop, b"paper", small=False).thumbnail


def test_the_same_upload_twice_is_kept_once_and_another_partys_apart(shop: Stall) -> None:
    first, again = keep(shop), keep(shop)
    assert first.place == again.place
    other = keep(shop, party=RIVAL)
    assert other.place != first.place
    assert len(stored(shop)) == 4
    find = shop.ledger.attachments.find
    assert find(DIGEST, [SHOP]) == first
    assert find(DIGEST, [urn("third")]) is None
    assert find("0" * 64, [SHOP]) is None


def test_uploads_of_one_file_at_the_same_time_leave_one_copy(shop: Stall) -> None:
    together, found = threading.Barrier(4), []

    def upload() -> None:
        together.wait()
        found.append(keep(shop))

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({kept.place for kept in found}) == 1
    assert len(stored(shop)) == 2
    assert read(shop, found[0]) == CONTENT


@pytest.mark.parametrize("where", ["file", "thumbnail"])
def test_altered_bytes_are_refused_and_marked_on_every_reading(shop: Stall, where: str) -> None:
    kept = keep(shop)
    place = kept.place if where == "file" else kept.thumbnail_place
    assert place is not None
    (path,) = [path for path in stored(shop) if path.name == place.hex()]
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:])
    with pytest.raises(Gone) as gone:
        read(shop, kept, thumbnail=where == "thumbnail")
    assert gone.value.state == ALTERED
    if where == "thumbnail":
        shop.ledger.attachments.verify(kept)
        return
    with pytest.raises(Gone):
        shop.ledger.attachments.verify(kept)
    states = shop.ledger.attachments.states
    assert states([SHOP], [DIGEST]) == {DIGEST: ALTERED}
    path.write_bytes(raw)
    marked = shop.ledger.attachments.find(DIGEST, [SHOP])
    assert marked is not None
    shop.ledger.attachments.verify(marked)
    assert states([SHOP], [DIGEST]) == {DIGEST: WHOLE}, "and the mark goes when the file is whole again"


def test_a_missing_file_is_marked_and_another_upload_puts_it_back(shop: Stall) -> None:
    kept = keep(shop)
    for path in stored(shop):
        path.unlink()
    with pytest.raises(Gone) as gone:
        shop.ledger.attachments.verify(kept)
    assert gone.value.state == MISSING
    with pytest.raises(Invalid, match="not uploaded"):
        say(shop)
    again = keep(shop)
    assert read(shop, again) == CONTENT
    assert shop.ledger.attachments.states([SHOP], [DIGEST]) == {DIGEST: WHOLE}
    assert len(stored(shop)) == 2
    say(shop)


def test_a_file_of_another_row_does_not_open(shop: Stall) -> None:
    kept, other = keep(shop), keep(shop, b"other")
    paths = {path.name: path for path in stored(shop)}
    paths[kept.place.hex()].write_bytes(paths[other.place.hex()].read_bytes())
    with pytest.raises(Gone):
        shop.ledger.attachments.verify(kept)
    engine = open_engine(shop.url)
    with engine.begin() as connection:
        find = text("SELECT wrapped FROM file_key WHERE sha256 = :digest")
        wrapped = connection.execute(find, {"digest": bytes.fromhex(other.sha256)}).scalar()
        connection.execute(
            text("UPDATE file_key SET wrapped = :wrapped WHERE sha256 = :digest"),
            {"wrapped": wrapped, "digest": bytes.fromhex(DIGEST)},
        )
    engine.dispose()
    moved = shop.ledger.attachments.find(DIGEST, [SHOP])
    assert moved is not None
    with pytest.raises(Unavailable, match="does not open"):
        read(shop, moved)


def test_the_walk_marks_what_nobody_read(shop: Stall) -> None:
    first = keep(shop)
    shop.clock.now += 1_000_000
    second = keep(shop, b"second")
    for path in stored(shop):
        if path.name in {first.place.hex(), second.place.hex()}:
            path.unlink()
    check = shop.ledger.attachments.check_some
    shop.clock.now += 1_000_000
    assert [kept.sha256 for kept in check(1)] == [DIGEST]
    shop.clock.now += 1_000_000
    assert [kept.sha256 for kept in check(1)] == [second.sha256], "whoever waited longest is next"
    assert set(shop.ledger.attachments.states([SHOP], [DIGEST, second.sha256]).values()) == {MISSING}


def test_a_statement_lists_only_what_was_uploaded_as_it_was(shop: Stall) -> None:
    rows = shop.ledger.attachments.use_rows

    def use(*attachments: Attachment, parties: tuple[str, ...] = (SHOP,)) -> str:
        with pytest.raises(Invalid) as refused:
            rows(attachments, parties)
        return refused.value.pointer

    assert use(listed()) == "/attachments/0"
    keep(shop)
    keep(shop, b"rival's", party=RIVAL)
    assert use(listed(), listed(b"rival's")) == "/attachments/1"
    assert use(listed(), parties=(RIVAL,)) == "/attachments/0"
    assert use(listed(size=len(CONTENT) + 1)) == "/attachments/0"
    assert use(listed(media_type="image/png")) == "/attachments/0"
    assert len(rows([listed(), listed(name="again.jpg")], [SHOP])) == 1


def test_public_files_are_found_by_their_subject_and_private_ones_are_not(shop: Stall) -> None:
    keep(shop)
    hidden = keep(shop, b"private")
    say(shop)
    statement = say(shop, "brooch", public=False, content=b"private")
    found = shop.ledger.attachments
    assert found.private_uses(hidden) == [Use(statement, (urn("brooch"),))]
    kept = found.find_public(DIGEST, urn("ring"))
    assert kept is not None
    assert kept == found.find_public(DIGEST)
    assert found.private_uses(kept) == []
    assert found.find_public(DIGEST, urn("brooch")) is None
    private = sha256(b"private").hexdigest()
    assert found.find_public(private, urn("brooch")) is None
    assert found.find_public(private) is None


def test_a_day_later_what_no_statement_lists_is_swept(shop: Stall) -> None:
    keep(shop)
    say(shop)
    keep(shop, b"forgotten")
    shop.clock.now += files.WAITS
    shop.ledger.attachments.sweep()
    assert len(stored(shop)) == 4, "a day has not passed"
    shop.clock.now += times.SECOND
    assert len(keys(shop)) == 2
    assert shop.ledger.attachments.sweep() == 1
    assert keys(shop) == [DIGEST]
    assert shop.ledger.attachments.find(sha256(b"forgotten").hexdigest(), [SHOP]) is None
    kept = shop.ledger.attachments.find(DIGEST, [SHOP])
    assert kept is not None
    assert read(shop, kept) == CONTENT
    assert len(stored(shop)) == 2


def test_the_sweep_does_not_come_between_a_check_and_its_commit(shop: Stall) -> None:
    keep(shop)
    shop.clock.now += files.WAITS - times.SECOND
    statement = urn("late")
    rows = shop.ledger.attachments.use_rows([listed()], [SHOP])
    shop.clock.now += 2 * times.SECOND
    assert shop.ledger.attachments.sweep() == 0
    shop.ledger.writer.accept_clock = True
    shop.accept(shop.register("ring", id=statement, rows=rows))
    shop.clock.now += 10 * files.WAITS
    assert shop.ledger.attachments.sweep() == 0
    assert len(stored(shop)) == 2


def test_what_is_remembered_for_statements_is_bounded_and_forgotten_with_the_file(
    shop: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_REMEMBERED", 3)
    for number in range(6):
        keep(shop, b"%d" % number)
    found = shop.ledger.attachments
    assert len(found._recent) <= 3
    keep(shop)
    other = shop.again()
    asked = ([listed()], [SHOP])
    rows = found.recent_rows(*asked)
    assert rows == found.use_rows(*asked)
    assert other.attachments.recent_rows(*asked) is None, "what another process knows this one asks for"
    assert other.attachments.use_rows(*asked) == rows == other.attachments.recent_rows(*asked)
    assert found.recent_rows([listed()], [RIVAL]) is None
    with pytest.raises(Invalid, match="as was uploaded"):
        found.recent_rows([listed(size=1)], [SHOP])
    shop.clock.now += files.REMEMBER
    assert found.recent_rows(*asked) is None
    for path in stored(shop):
        path.unlink()
    assert other.attachments.use_rows(*asked) == rows
    with pytest.raises(Gone):
        other.attachments.verify(keep_of(other))
    assert other.attachments.recent_rows(*asked) is None
    other.close()


def test_a_statement_that_is_refused_lists_nothing(shop: Stall) -> None:
    keep(shop)
    say(shop, public=False)
    rows = shop.ledger.attachments.use_rows([listed()], [SHOP])
    (refused,) = shop.append(shop.register("ring", id=urn("second"), rows=rows))
    assert isinstance(refused, Refused)
    kept = shop.ledger.attachments.find(DIGEST, [SHOP])
    assert kept is not None
    assert len(shop.ledger.attachments.private_uses(kept)) == 1


def test_what_waits_for_statements_is_bounded_for_each_party(shop: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_WAITING", len(CONTENT) + 10)
    keep(shop)
    with pytest.raises(Refused, match="no statement"):
        keep(shop, b"eleven more")
    keep(shop, b"eleven more", party=RIVAL)
    say(shop)
    keep(shop, b"eleven more")
    with pytest.raises(Refused, match="no statement"):
        keep(shop, CONTENT + b"!")
    # What no statement listed within a day does not wait any more.
    shop.clock.now += files.WAITS + times.SECOND
    keep(shop, CONTENT + b"!")


def test_how_much_waits_is_asked_of_an_index_of_the_last_days(shop: Stall) -> None:
    asked: list[tuple[str, Any]] = []
    engine = open_engine(shop.url)
    row = (
        "INSERT INTO attachment SELECT party, :sha256, media_type, size, place, thumbnail, state, :at, :at "
        "FROM attachment WHERE sha256 = :first"
    )
    keep(shop)
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        before = [
            {"sha256": number.to_bytes(32, "big"), "at": f"2026-10-{number % 28 + 1:02}T00:00:00.000Z"}
            for number in range(3000)
        ]
        connection.execute(text(row).bindparams(first=bytes.fromhex(DIGEST)), before)
        if engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE attachment"))
    files_engine = shop.ledger.attachments._engine
    listen(files_engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    assert shop.ledger.attachments._waiting(SHOP) == len(CONTENT)
    explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    sql, parameters = asked[-1]
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(explain + sql, parameters).all())
    engine.dispose()
    assert "attachment_recent" in plan, plan
    assert "attachment_use_sha256" in plan, plan


def test_the_same_in_a_bucket(database_url: str, tmp_path: Path) -> None:
    from ledger.db.blobs import open_store  # noqa: PLC0415

    with bucket() as service, stall(database_url, tmp_path) as shop:
        shop.reopen(blobs=open_store("s3://shop/files", tmp_path, service.environ))
        kept = keep(shop)
        statement = say(shop)
        assert read(shop, kept) == CONTENT
        assert len(service.objects) == 2
        assert not any(b"camera saw" in raw for raw in service.objects.values())
        place = f"shop/files/{kept.place.hex()}"
        raw = service.objects[place]
        service.objects[place] = raw[:-1] + bytes([raw[-1] ^ 1])
        with pytest.raises(Gone):
            shop.ledger.attachments.verify(kept)
        service.objects[place] = raw
        assert shop.ledger.attachments.erase([statement]) == 1
        assert service.objects == {}
