"""The bounds of this machine, measured beside what they bound: hashing, signatures, a durable write, a bare route.

Nothing that Patina does can be faster than these, so a figure of it is only worth something next to them, measured
in the same run: machines are shared and their clocks vary.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger import ed25519

SIGNED_BYTES = 600
"""Bytes under a signature: a statement of about 450 with its pre-authentication encoding, and some."""
LEAF_BYTES = 1000
PAGE = bytes(4096)


def rate(work: Callable[[], object], seconds: float) -> float:
    """How often a second `work` runs, alone on one core."""
    work()
    done, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        for _ in range(100):
            work()
        done += 100
    return done / passed


def sha256_rate(seconds: float) -> float:
    """Leaf hashes of about 1 kB a second on one core."""
    leaf = bytes(LEAF_BYTES)
    return rate(lambda: sha256(leaf).digest(), seconds)


def sign_rate(seconds: float) -> float:
    """Ed25519 signatures a second on one core."""
    key, message = Ed25519PrivateKey.from_private_bytes(bytes(32)), bytes(SIGNED_BYTES)
    return rate(lambda: key.sign(message), seconds)


def verify_rate(seconds: float, threads: int = 1, *, by: str = "OpenSSL") -> float:
    """Ed25519 verifications a second, all threads together, by OpenSSL or by libsodium.

    Both let go of the interpreter meanwhile. Goals were set by the first, and Patina verifies by the second.
    """
    key, message = Ed25519PrivateKey.from_private_bytes(bytes(32)), bytes(SIGNED_BYTES)
    public, signature = key.public_key(), key.sign(message)
    raw = public.public_bytes_raw()
    verify: dict[str, Callable[[], object]] = {
        "OpenSSL": lambda: public.verify(signature, message),
        "libsodium": lambda: ed25519.verifies(raw, signature, message),
    }
    rates: list[float] = []

    def work() -> None:
        rates.append(rate(verify[by], seconds))

    crowd = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return sum(rates)


def fsync_rate(seconds: float, folder: Path) -> float:
    """Appends of 4 KiB, each made durable before the next, a second, in `folder`'s file system."""
    path = folder / "fsync.probe"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        done, begin = 0, time.perf_counter()
        while (passed := time.perf_counter() - begin) < seconds:
            os.write(file, PAGE)
            os.fdatasync(file)
            done += 1
        return done / passed
    finally:
        os.close(file)
        path.unlink()
