"""A disk that fails under SQLite: each write and each sync in turn, by strace's fault injection, and a full disk.

A process appends (tests/enduring.py) and meets one fault: a system call on the database, its WAL or the guard file that
fails with EIO, or that kills the process. Of the 100 or so calls of a run, `FAULT_POINTS` (12; 0 means all of them)
are taken, spread evenly from the first to the last, and every call of the guard file. What the process left is opened
again, audited, held against every receipt that it printed, and sent all statements once more.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ledger.db.ledger import open_ledger
from tests.enduring import NOT_RECORDED, drafts, receipt_of
from tests.listed import Listed
from tests.stall import MASTER, Clock, Stall, stall
from tests.till import proved

ROOT = Path(__file__).resolve().parents[1]
BATCHES, WIDTH = 3, 2
_ROOM_KIB = 60
"""What is free on the small disk beside the ledger: less than the pages of its first commits."""
CALLS = "pwrite64,pwritev,write,fdatasync,fsync,ftruncate"
POINTS = int(os.environ.get("FAULT_POINTS", "12"))


@cache
def _why_not() -> str | None:
    """Why no fault can be injected here, or ``None``."""
    if shutil.which("strace") is None:
        return "strace is missing: apt install strace"
    done = subprocess.run(
        ["strace", "-f", "-e", "inject=fsync:error=EIO", "true"], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()[:200]}"


@pytest.fixture
def strace() -> None:
    why = _why_not()
    if why is not None:
        pytest.skip(why)


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger that runs are made on copies of."""
    folder = tmp_path_factory.mktemp("seed")
    with stall(_url(folder), folder):
        pass
    return folder


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.sqlite3'}"


def _files(folder: Path) -> list[Path]:
    return [folder / "ledger.sqlite3", folder / "ledger.sqlite3-wal", folder / "guard" / "0"]


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.enduring", _url(folder), str(folder), "x", str(BATCHES), str(WIDTH)]


def _run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, **more)


def _traced(folder: Path, paths: list[Path], inject: str | None) -> subprocess.CompletedProcess[str]:
    words = ["strace", "-f", "-y", "-o", str(folder / "calls"), "-e", f"trace={CALLS}"]
    words += [word for path in paths for word in ("-P", str(path))]
    words += ["-e", f"inject={inject}"] if inject else []
    return _run([*words, *_command(folder)])


def _calls(folder: Path) -> list[str]:
    """The system calls that a run made, by name, in order."""
    return re.findall(r"^\d+ +(\w+)\(", (folder / "calls").read_text("utf-8", "replace"), re.MULTILINE)


def _again(folder: Path, printed: str) -> None:
    """Open what is left, send everything once more, and hold it against the receipts that were handed out."""
    clock = Clock()
    ledger = open_ledger(_url(folder), directory=folder, master=MASTER, clock=clock)
    shop = Stall(_url(folder), folder, clock, ledger)
    try:
        receipts = [json.loads(line) for line in printed.splitlines() if line.endswith("}")]
        proved(_source(shop), ledger.vkeys[0], receipts)
        for batch in drafts(shop, "x", BATCHES, WIDTH):
            receipts += [json.loads(receipt_of(outcome)) for outcome in shop.accept(*batch)]
        proved(_source(shop), ledger.vkeys[0], receipts)
        assert len({(receipt["id"], receipt["index"]) for receipt in receipts}) == BATCHES * WIDTH
        assert ledger.rehash().step(10_000).wrong is None
    finally:
        ledger.close()


def _source(shop: Stall) -> Listed:
    reader = shop.ledger.reader
    return Listed([reader.leaf(index) or b"" for index in range(reader.size())], reader.checkpoint())


def _points(count: int) -> Iterator[int]:
    """Which calls of so many, from 1: the first, the last, and evenly between."""
    if not POINTS or count <= POINTS:
        yield from range(1, count + 1)
    else:
        yield from sorted({1 + round(step * (count - 1) / (POINTS - 1)) for step in range(POINTS)})


@pytest.mark.parametrize("fault", ["error=EIO", "signal=KILL"])
def test_a_write_or_sync_of_the_database_that_fails(strace: None, seed: Path, tmp_path: Path, fault: str) -> None:
    plain = shutil.copytree(seed, tmp_path / "plain")
    done = _traced(plain, _files(plain)[:2], None)
    assert done.returncode == 0, done.stderr
    calls = _calls(plain)
    assert {"pwrite64", "fdatasync"} <= set(calls), calls
    injected = 0
    for point in _points(len(calls)):
        folder = shutil.copytree(seed, tmp_path / f"at-{point}")
        # strace counts each kind of call by itself.
        when = f"{calls[point - 1]}:{fault}:when={calls[:point].count(calls[point - 1])}"
        done = _traced(folder, _files(folder)[:2], when)
        injected += "(INJECTED)" in (folder / "calls").read_text("utf-8", "replace") or done.returncode == -9
        if fault == "error=EIO":
            assert done.returncode == 0, (when, done.stderr)
        _again(folder, done.stdout)
    assert injected >= min(len(calls), POINTS or len(calls)) - 1


@pytest.mark.parametrize("fault", ["error=EIO", "error=ENOSPC", "signal=KILL"])
def test_a_guard_file_that_cannot_be_written(strace: None, seed: Path, tmp_path: Path, fault: str) -> None:
    for count in range(1, BATCHES + 1):
        folder = shutil.copytree(seed, tmp_path / f"at-{count}")
        done = _traced(folder, _files(folder)[2:], f"pwrite64:{fault}:when={count}")
        # It was committed and may not be answered; nothing more is signed by this process.
        assert done.returncode == (-9 if "KILL" in fault else NOT_RECORDED), done.stderr
        assert len(done.stdout.splitlines()) == (count - 1) * WIDTH
        _again(folder, done.stdout)


def test_a_disk_that_stays_full(strace: None, seed: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(seed, tmp_path / "full")
    done = _traced(folder, _files(folder)[:2], "pwrite64:error=ENOSPC:when=20+")
    assert done.returncode == NOT_RECORDED, done.stderr
    assert "(INJECTED)" in (folder / "calls").read_text("utf-8", "replace")
    _again(folder, done.stdout)


@pytest.mark.parametrize("kib", [40, 70, 100])
def test_files_that_may_not_grow(seed: Path, tmp_path: Path, kib: int) -> None:
    # The limit holds for the WAL, which begins empty; a write beyond it fails with EFBIG, as Python ignores SIGXFSZ.
    folder = shutil.copytree(seed, tmp_path / "limited")
    size = kib * 1024

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = _run(_command(folder), preexec_fn=limit)
    assert done.returncode == NOT_RECORDED, done.stderr
    _again(folder, done.stdout)


def test_a_small_disk_that_fills(seed: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    room = sum(file.stat().st_size for file in seed.rglob("*") if file.is_file()) // 1024 + _ROOM_KIB
    mounted = _run(["mount", "-t", "tmpfs", "-o", f"size={room}k", "tmpfs", str(disk)])
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        folder = shutil.copytree(seed, disk / "var")
        done = _run(_command(folder))
        assert done.returncode == NOT_RECORDED, done.stderr
        _run(["mount", "-o", "remount,size=8m", str(disk)])
        _again(folder, done.stdout)
    finally:
        _run(["umount", "-l", str(disk)])
