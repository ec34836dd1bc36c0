"""Uploaded files: kept encrypted, a copy for each party, named by the SHA-256 of what was encrypted.

A file is stored first and named in a row after that, so that a row always has its file; a statement that lists it is
committed together with a row of ``attachment_use``. What no statement lists a day later is swept away, and so is a
stored file that no row names. Every reading compares the whole file with its digest before the first byte leaves; a
file that is gone or altered is marked so, and the mark shows where the statement is shown.

Each copy has a key of its own in ``file_key``, wrapped by an epoch as those of private members are (``KeyBox``), and in
no backup: destroying the key and the file erases the copy. Two parties that upload the same bytes have two copies: what
one of them erases stays the other's, and neither learns of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import IO, Any

from sqlalchemy import ColumnElement, Engine, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ledger import times
from ledger.db.blobs import BlobStore, FolderStore, Missing
from ledger.db.cipher import FILE, THUMBNAIL, Altered, decrypt, encrypt
from ledger.db.connect import session
from ledger.db.copies import (
    ALTERED,
    COPY,
    COPY_SQL,
    ERASED,
    MISSING,
    UNLISTED,
    WHOLE,
    Gone,
    Kept,
    KeyBox,
    Use,
    digest_of,
    drop_key,
    identity_of,
    is_,
    kept_of,
    parts_of,
    put_key,
    row_of,
    take,
    tombstone,
    use_of,
    use_rows,
)  # fmt: skip
from ledger.db.draft import Row
from ledger.db.gate import Gate
from ledger.db.private_tables import file_key
from ledger.db.tables import attachment, attachment_use
from ledger.db.uses import entries, index_some, said_by, uses
from ledger.errors import Invalid, Refused, Unavailable
from ledger.leaf import Attachment

WAITS = times.DAY
"""How long an upload may wait for the statement that lists it."""
RENEW = times.DAY // 2
"""An upload that is older than this when a statement lists it is given another day, lest the sweep come between."""
MAX_WAITING = 1024 * 1024 * 1024
"""Bytes that one party's uploads may hold while no statement lists them."""
REMEMBER = 10 * times.MINUTE
"""How long a process lists a copy without asking for it again. What another process erases in that time is listed as
what it is, an erased file; no sweep takes it, as it was touched less than ``RENEW`` ago."""
MAX_REMEMBERED = 4096
MAX_USES = 64
"""Entries that one request for a file looks at."""
_COPIES = COPY_SQL + "WHERE a.sha256 IN {among} AND a.party = ?"


class Attachments:
    """The files of one ledger; safe for threads."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        store: BlobStore,
        keys: KeyBox,
        *,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        self.changes = 0
        """How often this process saw a file change its state: what was drawn before then is old."""
        self._recent: dict[tuple[str, str], tuple[int, Kept]] = {}
        self._engine, self._store, self._keys = engine, store, keys
        self._clock, self._rand = clock, rand
        self._gate = gate

    def keep(self, party: str, media_type: str, file: IO[bytes], thumbnail: IO[bytes] | None) -> tuple[Kept, bool]:
        """Keep a file for a party; the copy, and whether it is new. Raises ``Refused`` if too much waits already.

        Raises ``Unavailable``, with nothing kept, if the epoch that was to wrap its key ended meanwhile.
        """
        digest, size = digest_of(file)
        known = self.find(digest, [party])
        if known is not None and known.state == WHOLE and self._is_whole(known):
            self._touch([known])
            self._remember([known])
            return known, False
        if self._waiting(party) + size > MAX_WAITING:
            raise Refused(f"got uploads of more than {MAX_WAITING} bytes that no statement of this party lists")
        key, identity = self._rand(32), identity_of(party, digest)
        place = self._store.put(encrypt(parts_of(file), key, FILE, identity))
        small = None
        if thumbnail is not None:
            small = self._store.put(encrypt(parts_of(thumbnail), key, THUMBNAIL, identity))
        kept = Kept(
            party, digest, media_type, size, WHOLE, small is not None, bytes.fromhex(place),
            None if small is None else bytes.fromhex(small), times.format_recorded(self._clock()),
        )  # fmt: skip
        # Only now: an upload may take long, and an epoch does not wait for it.
        self._insert(kept, *self._keys.wrap_file_key(key, party, bytes.fromhex(digest)))
        found = self.find(digest, [party])
        if found is None or found.place != kept.place:
            # The same upload came twice at once, and the other was first.
            self._discard([kept])
        if found is None or (found.place != kept.place and found.state != WHOLE):
            # Or the epoch of its key has ended, and another upload takes the one in force.
            self._keys.forget()
            raise Unavailable("the key that was to protect this file was replaced just now: try again")
        self._remember([found])
        return found, found.place == kept.place

    def find(self, digest: str, parties: Collection[str]) -> Kept | None:
        """The copy of a file (64 hex) that one of these parties has, a whole one if any is."""
        found = self._copies([digest], parties)
        return min(found, key=lambda kept: kept.state != WHOLE, default=None)

    def find_public(self, digest: str, subject: str | None = None) -> Kept | None:
        """The copy of a file that a statement lists in public: one about this subject, or any."""
        return self.find(digest, {one for _, one in self._uses(digest, attachment_use.c.public == 1, subject=subject)})

    def private_uses(self, kept: Kept) -> list[Use]:
        """The statements that list this copy in private; none of them if another lists it in public."""
        mine = attachment_use.c.party == kept.party
        if self._uses(kept.sha256, mine, attachment_use.c.public == 1, most=1):
            return []
        return [use_of(raw) for raw in self._entries([idx for idx, _ in self._uses(kept.sha256, mine)]).values()]

    def listings(self, digest: str, subject: str | None = None, *, public: bool = False) -> list[tuple[Kept, bytes]]:
        """The copies of a file (64 hex) that entries list in private, or in public, with each of these entries.

        Only of entries about ``subject``, if one is given.
        """
        found = self._uses(digest, attachment_use.c.public == int(public), subject=subject, most=MAX_USES)
        copies = {kept.party: kept for kept in self._copies([digest], {party for _, party in found})} if found else {}
        said = self._entries([idx for idx, _ in found])
        return [(copies[party], said[idx]) for idx, party in found if party in copies]

    def states(self, parties: Collection[str], digests: Collection[str]) -> dict[str, str]:
        """Of each of these files how its copy stands; files of which none of the parties has a copy are left out."""
        found: dict[str, str] = {}
        for kept in self._copies(list(digests), parties) if digests else []:
            if found.get(kept.sha256) != WHOLE:
                found[kept.sha256] = kept.state
        return found

    def use_rows(
        self, files: Sequence[Attachment], parties: Collection[str], *, public: bool = True
    ) -> tuple[Row, ...]:
        """The rows to commit with a statement that lists these files, each uploaded by one of ``parties`` before.

        Raises ``Invalid``, with a pointer from ``attachments`` on, for a file that is not there, or not of this size
        and type: what a ledger lists it has seen.
        """
        found = self._copies([file.sha256 for file in files], parties)
        copies = {kept.sha256: kept for kept in found if kept.state == WHOLE}
        rows = use_rows(files, copies, public=public)
        self._remember(copies.values())
        if not self._touch(list(copies.values()), RENEW):
            raise Invalid("got a file that was swept away just now: want it again", "/attachments")
        return rows

    def recent_rows(
        self, files: Sequence[Attachment], parties: Collection[str], *, public: bool = True
    ) -> tuple[Row, ...] | None:
        """The same without asking the database, if this process has looked at all of them lately."""
        since, copies = self._clock() - REMEMBER, {}
        for file in files:
            known = [one for party in parties if (one := self._recent.get((party, file.sha256))) is not None]
            if not known or not since < known[0][0] <= since + REMEMBER:
                return None
            copies[file.sha256] = known[0][1]
        return use_rows(files, copies, public=public)

    def verify(self, kept: Kept) -> None:
        """Compare the whole file with its digest, and mark what became of it; raises ``Gone``."""
        if kept.state == ERASED:
            raise Gone(ERASED)
        state = self._state(kept)
        if state != kept.state:
            self._mark(kept, state)
        if state != WHOLE:
            raise Gone(state)

    def parts(self, kept: Kept, *, thumbnail: bool = False) -> Iterator[bytes]:
        """The file in parts, after ``verify``, or its thumbnail; raises ``Gone``, also in between."""
        place = kept.thumbnail_place if thumbnail else kept.place
        if place is None or kept.state == ERASED:
            raise Gone(ERASED if kept.state == ERASED else MISSING)
        key = self._keys.file_key(kept.party, bytes.fromhex(kept.sha256))
        if key is None:
            raise Gone(ERASED)
        digest = sha256()
        try:
            stored = self._store.get(place.hex())
            for part in decrypt(stored, key, THUMBNAIL if thumbnail else FILE, kept.identity):
                digest.update(part)
                yield part
        except Missing:
            raise Gone(MISSING) from None
        except Altered:
            raise Gone(ALTERED) from None
        if not thumbnail and digest.hexdigest() != kept.sha256:
            raise Gone(ALTERED)

    def check_some(self, count: int) -> list[Kept]:
        """Verify the ``count`` copies that nobody looked at for longest; those that are altered or missing."""
        query = COPY.where(file_key.c.epoch.is_not(None)).order_by(attachment.c.checked_at).limit(count)
        bad = []
        for row in self._read(query):
            kept = kept_of(row)
            state = self._state(kept)
            self._mark(kept, state)
            if state != WHOLE:
                bad.append(kept)
        return bad

    def erase(self, statements: Collection[str], *, public: bool = True) -> int:
        """Erase the files that these statements list, in public or in private, and no others of the same party do.

        Keys and files are destroyed. Of a file that was listed in public a row stays that says so, as the log names it;
        of one that was listed in private nothing stays. Returns how many it were. May be called again, and must be, if
        it raised or the process died.
        """
        if not statements:
            return 0
        use = attachment_use.c
        meant = and_(said_by(statements), use.public == int(public))
        with self._gate.writing() as connection:
            erased = connection.execute(select(use.party, use.sha256).where(meant).distinct()).all()
            connection.execute(delete(attachment_use).where(meant))
            gone = []
            for row in erased:
                kept = take(connection, row.party, bytes(row.sha256))
                if kept is None:
                    continue
                gone.append(kept)
                if public:
                    connection.execute(tombstone(kept))
        self._discard(gone)
        self.changes += len(gone)
        return len(gone)

    def sweep(self) -> int:
        """Delete uploads that no statement lists after a day, and stored files that no row names; return how many."""
        before = self._clock() - WAITS
        forgotten = and_(attachment.c.touched_at < times.format_recorded(before), UNLISTED)
        with self._gate.writing() as connection:
            rows = connection.execute(delete(attachment).where(forgotten).returning(*attachment.columns)).all()
            swept = [kept_of((*row, None)) for row in rows]
            for kept in swept:
                drop_key(connection, kept.party, kept.sha256)
        self._discard(swept)
        return len(swept) + self._sweep_store(before)

    def index(self) -> bool:
        """Bring what was listed lately into the index on digests, a slice of it; whether more is left."""
        with self._gate.writing() as connection:
            return index_some(connection)

    def _sweep_store(self, before: int) -> int:
        count = 0
        if isinstance(self._store, FolderStore):
            self._store.tidy(before)
        for place, written in self._store.places():
            if written < before:
                raw = bytes.fromhex(place)
                named = or_(attachment.c.place == raw, attachment.c.thumbnail == raw)
                if not self._read(select(attachment.c.party).where(named).limit(1)):
                    self._store.delete(place)
                    count += 1
        return count

    def _state(self, kept: Kept) -> str:
        try:
            for _ in self.parts(kept):
                pass
        except Gone as gone:
            return gone.state
        return WHOLE

    def _is_whole(self, kept: Kept) -> bool:
        with suppress(Gone):
            self.verify(kept)
            return True
        return False

    def _insert(self, kept: Kept, epoch: int, wrapped: bytes) -> None:
        """Write row and key of a new copy, or of one that is put in the place of what is altered, missing or erased.

        Changes nothing if another process was first, or the epoch is there no longer.
        """
        now = times.format_recorded(self._clock())
        row = {
            "party": kept.party, "sha256": bytes.fromhex(kept.sha256), "media_type": kept.media_type,
            "size": kept.size, "place": kept.place, "thumbnail": kept.thumbnail_place, "state": WHOLE,
            "touched_at": now, "checked_at": now,
        }  # fmt: skip
        old: list[Kept] = []
        with suppress(IntegrityError), self._gate.writing() as connection:
            there = connection.execute(row_of(kept.party, row["sha256"]).with_for_update(of=attachment)).first()
            known = None if there is None else kept_of(there)
            if known is None:
                connection.execute(insert(attachment).values(**row))
            elif known.state != WHOLE:
                connection.execute(update(attachment).where(*is_(kept.party, row["sha256"])).values(**row))
            if known is None or known.state != WHOLE:
                put_key(connection, kept, epoch, wrapped)
                old += [known] if known is not None else []
        self._discard(old)
        self.changes += len(old)

    def _waiting(self, party: str) -> int:
        # What is older is about to be swept.
        since, copy = times.format_recorded(self._clock() - WAITS), attachment.c
        late = copy.party == party, copy.touched_at >= since
        return int(self._read(select(func.coalesce(func.sum(copy.size), 0)).where(*late, UNLISTED))[0][0])

    def _touch(self, copies: Collection[Kept], older: int = 0) -> bool:
        """Give these another day to be listed, if they were not given one for ``older`` microseconds; whether all are
        there still.
        """
        now = self._clock()
        before, at = times.format_recorded(now - older), times.format_recorded(now)
        old = [is_(kept.party, bytes.fromhex(kept.sha256)) for kept in copies if kept.touched_at < before]
        if old:
            with self._gate.writing() as connection:
                mine = or_(*[and_(*one) for one in old])
                self._remember([replace(kept, touched_at=at) for kept in copies if kept.touched_at < before])
                touched = connection.execute(update(attachment).where(mine).values(touched_at=at)).rowcount
                return int(touched) == len(old)
        return True

    def _remember(self, copies: Collection[Kept]) -> None:
        """Know these for a while: they were touched lately, so that no sweep takes them in that time."""
        now = self._clock()
        if len(self._recent) + len(copies) > MAX_REMEMBERED:
            self._recent = {}
        self._recent.update({(kept.party, kept.sha256): (now, kept) for kept in copies})

    def _mark(self, kept: Kept, state: str) -> None:
        """Write down how a copy stands, unless it is another one by now."""
        self.changes += state != kept.state
        self._recent.pop((kept.party, kept.sha256), None)
        now = times.format_recorded(self._clock())
        mine = and_(*is_(kept.party, bytes.fromhex(kept.sha256)), attachment.c.place == kept.place)
        with self._gate.writing() as connection:
            connection.execute(update(attachment).where(mine).values(state=state, checked_at=now))

    def _discard(self, copies: Collection[Kept]) -> None:
        for kept in copies:
            self._recent.pop((kept.party, kept.sha256), None)
            for place in filter(None, (kept.place, kept.thumbnail_place)):
                # What cannot be deleted now is named by no row and swept later; its key is gone already.
                with suppress(Unavailable):
                    self._store.delete(place.hex())

    def _copies(self, digests: Sequence[str], parties: Collection[str]) -> list[Kept]:
        """The copies of these files that these parties have; asked for every statement that lists any."""
        raws = [bytes.fromhex(digest) for digest in digests]
        with session(self._engine) as connection:
            asked = [connection.among(_COPIES, raws, party) for party in parties]
            return [kept_of(row) for rows in connection.begin(write=False, then=asked) for row in rows]

    def _uses(self, digest: str, *where: ColumnElement[bool], **more: Any) -> list[tuple[int, str]]:
        with self._engine.connect() as connection:
            return uses(connection, digest, *where, **more)

    def _entries(self, indices: Sequence[int]) -> dict[int, bytes]:
        with self._engine.connect() as connection:
            return entries(connection, indices)

    def _read(self, query: Any) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())
