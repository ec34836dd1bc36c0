"""What the end of an epoch costs: every wrapped key of private members wrapped again, in one transaction (ADR 9).

    python benchmarks/rolled.py [--url URL] [--keys N]

The keys are of statements that nobody made: a roll reads none of them. Shown are seconds by the clock and of this
process's processor time, memory at most, and both for one key.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger import times
from ledger.db.ledger import Ledger, create_ledger, open_ledger
from ledger.db.private_tables import seal_key
from ledger.db.secret import KEY_BYTES, MasterKey, encrypt
from ledger.db.session import Insert
from ledger.db.vault import epoch_identity, key_identity

MASTER = MasterKey(bytes(range(32)))
SLICE = 10_000


def now() -> int:
    return time.time_ns() // 1000


def filled(ledger: Ledger, count: int) -> None:
    """As many keys of private members, wrapped by the first epoch."""
    ledger.epochs.begin(0, now())
    number, wrapped, _ = ledger.epochs.rows()[0][0]
    epoch = AESGCM(MASTER.unwrap(bytes(wrapped), epoch_identity(number)))
    for start in range(0, count, SLICE):
        rows = []
        for index in range(start, min(count, start + SLICE)):
            statement = index.to_bytes(16, "big")
            rows.append(
                (index, 0, statement, number, encrypt(epoch, os.urandom(KEY_BYTES), key_identity(statement, 0)))
            )
        with ledger.writing() as connection:
            connection.write([Insert(seal_key, rows)])
            connection.commit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of an empty database; left out, SQLite in a folder of its own")
    parser.add_argument("--keys", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, url = Path(name) / "ledger", given.url or f"sqlite:///{name}/ledger.sqlite3"
        create_ledger(
            url, directory=folder, origin="bench.example/log", name="Bench", now=now(), rand=os.urandom, master=MASTER,
            map_bits=6,
        )  # fmt: skip
        ledger = open_ledger(url, directory=folder, master=MASTER, clock=now)
        filled(ledger, given.keys)
        ledger.epochs.begin(1, now() - times.DAY)
        clock, used = time.perf_counter(), time.process_time()
        assert ledger.epochs.finish(now(), 0)
        assert ledger.epochs.scrub()
        clock, used = time.perf_counter() - clock, time.process_time() - used
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        assert len(ledger.epochs.rows()[0]) == 1
        ledger.close()
    each = 1_000_000 / given.keys
    print(f"{given.keys} keys: {clock:.1f} s, {used:.1f} s of the processor, at most {memory} MiB")
    print(f"one key: {clock * each:.1f} µs, {used * each:.1f} µs of the processor")


if __name__ == "__main__":
    main()
