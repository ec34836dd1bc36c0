"""Risk signals of an open ledger: the fold of its leaves kept in memory, and counts of how often codes are scanned.

``signals`` folds what was committed since it was last asked (``ledger.signals.Watch``) and judges. The first asking of
a process reads the whole log, so it is made in a thread. Leaves of our own database are not checked again here.

A scan is one time that a code's page was asked for. Kept are the code, the day (in UTC) and the number, for as many
days as the test looks at; no address, no place, nothing of who asked. Counts wait in memory for the next ``flush``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct
from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger import times
from ledger.db.connect import session
from ledger.db.gate import Gate
from ledger.db.read import Reader
from ledger.db.rows import Rows
from ledger.db.session import ask, fetch
from ledger.db.tables import code, scan
from ledger.db.view import View
from ledger.leaf import Entry
from ledger.merkle import leaf_hash
from ledger.signals import Scan, Signal, Watch, signals

DAYS = 28
"""Days before the one that is judged: the last whole one."""
_SLICE = 4096
_LEAVES = "SELECT idx, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_SEAL = b'"map_root"'
_SEAL_WITHIN = 48
_decode = msgspec.json.Decoder(Entry).decode


class Found(Struct, frozen=True):
    """The signals of a moment, and the size of the log that they rest on."""

    signals: list[Signal]
    size: int


class Risks:
    """Counts and signals of one process; any thread may ask."""

    def __init__(
        self, engine: Engine, gate: Gate, view: View, *, clock: Callable[[], int], rand: Callable[[int], bytes]
    ) -> None:
        self._engine = engine
        self._rows, self._reader = Rows(engine, gate, clock=clock, rand=rand), Reader(engine, view)
        self._watch, self._size = Watch(), 0
        self._folding = threading.Lock()
        self._counting = threading.Lock()
        self._scans: Counter[tuple[str, str]] = Counter()

    def scanned(self, code_id: str) -> None:
        """Count that the page of a code was asked for now."""
        with self._counting:
            self._scans[code_id, self._rows.now()[:10]] += 1

    def flush(self) -> None:
        """Bring the counts to the table, and forget the days that no test looks at any more."""
        with self._counting:
            waiting, self._scans = self._scans, Counter()
        if not waiting:
            return
        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        insert = kind.insert(scan)
        add = insert.on_conflict_do_update(
            index_elements=[scan.c.code, scan.c.day], set_={"count": scan.c.count + insert.excluded.count}
        )
        values = [{"code": name, "day": day, "count": number} for (name, day), number in sorted(waiting.items())]
        try:
            with self._rows.writing() as connection:
                connection.execute(delete(scan).where(scan.c.day < self._day(-DAYS - 1)))
                connection.execute(add, values)
        except BaseException:
            with self._counting:
                self._scans.update(waiting)
            raise

    def signals(self, progress: Callable[[int, int], None] = lambda *_: None) -> Found:
        """What is to be looked at now; ``progress`` hears how many leaves of how many were folded."""
        with self._folding:
            size = self._reader.size()
            while self._size < size:
                self._fold(min(self._size + _SLICE, size))
                progress(self._size, size)
            keys = {did: key.party for did, key in self._reader.parties().keys.items()}
            found = signals(self._watch, self._rows.clock(), self._reader.doubts(), keys, self.scans())
            return Found([self._placed(one) for one in found], size)

    def surveyed(self, party: str) -> list[int]:
        """When customers of a party were asked (``case.surveyed``), in µs."""
        self.signals()
        track = self._watch.tracks.get(("surveyed", party))
        return [] if track is None else track.at.tolist()

    def scans(self) -> list[Scan]:
        """The scans of codes that were scanned on the last whole day, with those of the days before it."""
        self.flush()
        days = [self._day(number) for number in range(-DAYS - 1, 0)]
        query = select(scan, code.c.subject).join(code, code.c.id == scan.c.code).where(scan.c.day.in_(days))
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for row in self._rows.read(query.order_by(scan.c.code)):
            counts.setdefault((row.code, row.subject), {})[row.day] = row.count
        return [
            Scan(name, subject, days[-1], tuple(by_day.get(day, 0) for day in days))
            for (name, subject), by_day in counts.items()
            if days[-1] in by_day
        ]

    def _fold(self, until: int) -> None:
        with session(self._engine) as connection:
            connection.begin(write=False)
            leaves = [bytes(raw) for _, raw in fetch(connection, ask(_LEAVES, self._size, until))]
        for raw in leaves:
            if _SEAL not in raw[:_SEAL_WITHIN]:
                self._watch.follow(_decode(raw), leaf_hash(raw).hex())
        self._size = until

    def _placed(self, signal: Signal) -> Signal:
        """A signal about a code is that of whoever sold or registered the thing."""
        if "code" not in signal.figures:
            return signal
        state = self._reader.state(str(signal.figures["subject"]))
        party = "" if state is None else state.sold_by or state.registered_by
        return Signal(signal.kind, signal.severity, party, signal.entries, signal.figures)

    def _day(self, number: int) -> str:
        """The date so many days after today."""
        today = datetime.fromtimestamp(self._rows.clock() // times.SECOND, UTC)
        return (today + timedelta(days=number)).date().isoformat()
