"""Where private members are kept: encrypted, under a key of their own for each statement and class of data.

    master key ── wraps ──▶ key of an epoch ── wraps ──▶ data key of (statement, class) ── encrypts ──▶ disclosures

                                                └─ wraps ──▶ key of an uploaded file (``ledger.db.attachments``)

Everything is AES-256-GCM with the row's identity as associated data. A data key opens one class of one statement and
nothing else, so that a statement's members can be destroyed alone; the data keys of one person's statements, or of one
item's, are found by ``pseudonym`` and ``link`` and destroyed in one transaction. A key that is deleted may live on in
a backup or in a page that the disk has not reused; so an erasure is followed by a new *epoch* (``ledger.db.epochs``):
whatever still has the old wrapped key has nothing left to unwrap it with. ADR 9 says why it is built like this.

``sealer`` makes what is to be committed with a statement; nothing is read under the append lock but for a repeat. Keys
and contents are rows of two tables in the order of the log; a subject's are found by its links.
"""

from __future__ import annotations

import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from struct import Struct
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine

from ledger import private, submap, times
from ledger.db import private_tables
from ledger.db.connect import session
from ledger.db.draft import Draft, Row, Seal
from ledger.db.gate import Gate
from ledger.db.secret import KEY_BYTES, NONCE_BYTES, KeyKeeper, decrypt, encrypt
from ledger.db.session import Insert, Session, ask, fetch
from ledger.db.views import urn_of, uuid_bytes
from ledger.errors import Unavailable
from ledger.leaf import Statement

REMEMBER = 5 * times.SECOND
"""How long a process goes on with the epoch that it knows; a new one waits for the others before it ends the old."""
_cut = Struct(f"{KEY_BYTES}s{NONCE_BYTES}s{NONCE_BYTES}s").unpack_from
_DRAWN = KEY_BYTES + 2 * NONCE_BYTES
Sealer = Callable[[], tuple[Seal, ...]]
_EPOCHS = "SELECT id, wrapped FROM epoch ORDER BY id"
_ERASED = 'SELECT 1 FROM erasure_part WHERE statement = ? AND stage > 0 AND "class" <> ?'
_FILE_KEY = "SELECT epoch, wrapped FROM file_key WHERE party = ? AND sha256 = ?"
OF_SUBJECT = "subject u JOIN link l ON l.sid = u.sid JOIN sealed s ON s.idx = l.idx AND s.sid = u.sid"
"""The sealed rows of the statements whose first subject is ``u``."""
ITS_KEY = 'JOIN seal_key k ON k.idx = s.idx AND k."class" = s."class"'
"""The keys of sealed rows ``s``: what was destroyed, or did not come with a backup, is not among them."""
_COLUMNS = 'SELECT k.statement, s."class", s.content, k.epoch, k.wrapped FROM'
_ORDER = 'ORDER BY s.idx, s."class"'
_SUBJECT = f'{_COLUMNS} {OF_SUBJECT} {ITS_KEY} WHERE u."key" = ? {_ORDER}'
_STATEMENT = f"{_COLUMNS} statement t JOIN sealed s ON s.idx = t.idx {ITS_KEY} WHERE t.id = ? {_ORDER}"

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(list[str]).decode


class Vault:
    """Private members of a ledger; any thread may ask. ``rand(n)`` gives n random bytes."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        master: KeyKeeper,
        *,
        clock: Callable[[], int],
        rand: Callable[[int], bytes],
    ) -> None:
        self.rand, self.master = rand, master
        self._engine, self._clock = engine, clock
        self._gate = gate
        self._mutex = threading.RLock()
        self._epochs: dict[int, tuple[bytes, AESGCM]] = {}
        self._newest: tuple[int, AESGCM]
        self._known_at = 0

    def sealer(
        self, statement: str, names: Iterable[str], disclosures: Sequence[str]
    ) -> Callable[[], tuple[Seal, ...]]:
        """What seals a statement's disclosures, to be committed with it; ``names`` are those of the disclosed members.

        Raises ``Unavailable`` here, and not when it is called, if the key of the epoch cannot be had.
        """
        return partial(_sealed, self.rand, self._current(), statement, names, disclosures)

    def disclosures(self, subject: str) -> dict[str, list[str]]:
        """Every disclosure that is kept of statements whose first subject this is, by statement id."""
        return self._open(_SUBJECT, submap.key_of(subject))

    def disclosures_of(self, statement_id: str) -> list[str]:
        """Every disclosure that is kept of one statement."""
        return self._open(_STATEMENT, uuid_bytes(statement_id)).get(statement_id, [])

    def repeats(self, body: bytes, values: Mapping[str, Any]) -> Callable[[bytes, Draft | None], bool]:
        """A judge of repeats: whether an entry says what ``body`` says, but for its digests, with the same values.

        Of what was erased nothing is left to compare, on purpose: then the statement in clear decides alone, and
        nothing is stored again.
        """

        def same(entry: bytes, earlier: Draft | None) -> bool:
            statement = msgspec.json.decode(entry)["statement"]
            if _without_digests(statement) != _without_digests(msgspec.json.decode(body)) or "_sd" not in statement:
                return False
            if earlier is not None:
                return earlier.values == values
            found = {name: value for _, name, value in map(_member, self.disclosures_of(statement["id"]))}
            gone = self.is_erased(statement["id"])
            return found == values or (gone and found.items() <= values.items())

        return same

    def is_erased(self, statement_id: str) -> bool:
        """Whether something of a statement's private members was destroyed."""
        asked = ask(_ERASED, uuid_bytes(statement_id), private.ERASABLE.index(private.FILES))
        with session(self._engine) as connection:
            return bool(connection.begin(write=False, then=[asked])[0])

    def wrap_file_key(self, key: bytes, party: str, digest: bytes) -> tuple[int, bytes]:
        """The key of a party's file wrapped by the newest epoch: the number of that and the wrapped key."""
        epoch, by = self._current()
        return epoch, encrypt(by, key, file_identity(party, digest))

    def file_key(self, party: str, digest: bytes) -> bytes | None:
        """The key of a party's file, as it is kept now; ``None`` if it was destroyed or did not come with a backup."""
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(_FILE_KEY, party, digest)])[0]
            if not rows:
                return None
            epoch, wrapped = rows[0]
            try:
                return decrypt(self._epoch(connection, epoch), wrapped, file_identity(party, digest))
            except (InvalidTag, ValueError, KeyError):
                raise Unavailable("the key of a file does not open: its row was changed") from None

    def forget(self) -> None:
        """Drop every key from memory: the epochs are read again."""
        with self._mutex:
            self._epochs, self._known_at = {}, 0

    def _open(self, sql: str, *parameters: Any) -> dict[str, list[str]]:
        with session(self._engine) as connection:
            rows = connection.begin(write=False, then=[ask(sql, *parameters)])[0]
            opened: dict[str, list[str]] = {}
            for statement, number, content, epoch, wrapped in rows:
                members = self._content(connection, (bytes(statement), number, epoch), wrapped, content)
                opened.setdefault(urn_of(statement), []).extend(members)
            return opened

    def _content(self, connection: Session, place: tuple[bytes, int, int], wrapped: bytes, content: bytes) -> list[str]:
        statement, number, epoch = place
        try:
            data_key = AESGCM(decrypt(self._epoch(connection, epoch), wrapped, key_identity(statement, number)))
            return _decode(decrypt(data_key, content, content_identity(statement, number)))
        except (InvalidTag, ValueError, KeyError):
            raise Unavailable("private members of a statement do not open: their row was changed") from None

    def _epoch(self, connection: Session, number: int) -> AESGCM:
        """The key of an epoch, read in the same snapshot as what it wraps; raises ``KeyError`` if there is none."""
        with self._mutex:  # or another thread forgets them in between
            if number not in self._epochs:
                self._take(fetch(connection, ask(_EPOCHS)))
            return self._epochs[number][1]

    def _current(self) -> tuple[int, AESGCM]:
        """The newest epoch and its key; the first one is made when it is first wanted."""
        with self._mutex:
            now = self._clock()
            if not (self._epochs and 0 <= now - self._known_at < REMEMBER):
                with session(self._engine) as connection:
                    rows = connection.begin(write=False, then=[ask(_EPOCHS)])[0]
                self._take(rows or self._begin(now))
                self._known_at = now
            return self._newest

    def _take(self, rows: Iterable[Sequence[Any]]) -> None:
        """Know these epochs and no others; what was unwrapped before is not unwrapped again."""
        with self._mutex:
            known, self._epochs = self._epochs, {}
            # In their order: the last is the newest.
            for number, wrapped in rows:
                epoch = known.get(number)
                if epoch is None or epoch[0] != wrapped:
                    epoch = bytes(wrapped), AESGCM(self.master.unwrap(wrapped, epoch_identity(number)))
                self._epochs[number] = epoch
                self._newest = number, epoch[1]

    def _begin(self, now: int) -> list[Sequence[Any]]:
        """The first epoch, made by whichever process comes first."""
        row = new_epoch(1, self.master, self.rand, now)[0]
        with self._gate.own() as connection:
            connection.begin(write=True)
            connection.write([Insert(private_tables.epoch, [row], "ignore")])
            connection.commit()
            return list(connection.begin(write=False, then=[ask(_EPOCHS)])[0])


def new_epoch(number: int, master: KeyKeeper, rand: Callable[[int], bytes], now: int) -> tuple[tuple[Any, ...], bytes]:
    """The row of a new epoch, and its key."""
    key = rand(KEY_BYTES)
    return (number, master.wrap(key, epoch_identity(number)), times.format_recorded(now)), key


def epoch_identity(number: int) -> bytes:
    """The row that the wrapped key of an epoch belongs to."""
    return b"epoch/%d" % number


def key_identity(statement: bytes, number: int) -> bytes:
    """The row that a wrapped data key belongs to."""
    return b"seal_key/%b/%d" % (statement, number)


def file_identity(party: str, digest: bytes) -> bytes:
    """The row that the wrapped key of a file belongs to."""
    return b"file_key/%b/%b" % (party.encode(), digest)


def content_identity(statement: bytes, number: int) -> bytes:
    """The row that sealed disclosures belong to."""
    return b"sealed/%b/%d" % (statement, number)


def _sealed(
    rand: Callable[[int], bytes],
    epoch: tuple[int, AESGCM],
    statement_id: str,
    names: Iterable[str],
    disclosures: Sequence[str],
) -> tuple[Seal, ...]:
    """The disclosures of each class of data, sealed by a key of its own that the epoch wraps."""
    statement, (newest, by) = uuid_bytes(statement_id), epoch
    members = private.by_class(names, disclosures)
    # Drawn at once: a data key and two nonces for each class.
    drawn, seals = rand(_DRAWN * len(members)), []
    for place, (number, texts) in enumerate(members.items()):
        key, first, second = _cut(drawn, _DRAWN * place)
        content = encrypt(AESGCM(key), _encode(texts), content_identity(statement, number), first)
        seals.append(Seal(number, content, newest, encrypt(by, key, key_identity(statement, number), second)))
    return tuple(seals)


def person_row(statement: Statement, person: str) -> Row:
    """The row to commit with a statement that is about somebody, whom the recorder calls ``person`` (its own uuid)."""
    return Row("pseudonym", {"person": person_key(statement.party, person)})


def person_key(party: str, person: str) -> bytes:
    """Under what a party's pseudonym for a person is kept: two parties' pseudonyms never meet."""
    return sha256(f"person\n{party}\n{person}".encode()).digest()


def _without_digests(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in {"_sd", "_sd_alg"}}


def _member(text: str) -> list[Any]:
    found: list[Any] = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
