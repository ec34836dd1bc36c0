"""`patina serve` that kills itself at one point of a commit: ``python -m tests.dying --dir DIR --port 0``.

Every point is armed; the one whose name stands in the file ``die-at`` of the folder fires, once, when the file is
there. The kill is SIGKILL from inside: no handler, no clean-up, no flush, as when the kernel runs out of memory. The
process that was started only forks the server, and another one when it was killed: so nobody waits for imports again.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api.app  # noqa: F401 -- the server imports it late; here it is there before the fork
from api.cli import serve
from api.routes import statements
from ledger.db.append import Writer
from ledger.db.batch import Batch
from ledger.db.guard import Guard
from ledger.db.lock import AppendLock
from ledger.db.postgres import PostgresSession
from ledger.db.recent import Recent
from ledger.db.sqlite import SqliteSession

FILE = "die-at"
BEFORE_COMMIT = "the rows are written"
# In the order in which a commit passes them (the steps of ledger/db/append.py).
NOT_RECORDED: dict[str, list[tuple[Any, str]]] = {
    "the lock is taken": [(AppendLock, "__enter__")],
    "the head is locked": [(Writer, "_begin")],
    "what it touches is read": [(Writer, "_expect")],
    "the batch is sealed": [(Batch, "seal")],
    "the checkpoint is signed": [(Writer, "_sign")],
}
RECORDED: dict[str, list[tuple[Any, str]]] = {
    "it is committed": [(SqliteSession, "finish"), (PostgresSession, "finish")],
    "what it changed is handed on": [(Recent, "hand")],
    "the guard is written": [(Guard, "release")],
    "the writer has answered": [(Writer, "append")],
    "the answer is made": [(statements, "receipt_bytes")],
}


def arm(owner: Any, name: str, fires: Callable[[tuple[Any, ...]], None], *, before: bool = False) -> None:
    """Put ``fires`` before or after a function, in its place."""
    whole = getattr(owner, name)

    def armed(*args: Any, **more: Any) -> Any:
        if before:
            fires(args)
        result = whole(*args, **more)
        if not before:
            fires(args)
        return result

    setattr(owner, name, armed)


def arm_all(file: Path) -> None:
    """Arm every point."""

    def at(point: str) -> Callable[[tuple[Any, ...]], None]:
        def fires(_: tuple[Any, ...]) -> None:
            if file.exists() and file.read_text() == point:
                file.unlink()
                os.kill(os.getpid(), signal.SIGKILL)

        return fires

    before_commit = at(BEFORE_COMMIT)

    def commits(args: tuple[Any, ...]) -> None:
        if args[1][0] == "COMMIT":
            before_commit(args)

    for point, places in (NOT_RECORDED | RECORDED).items():
        for owner, name in places:
            arm(owner, name, at(point))
    arm(SqliteSession, "commit", before_commit, before=True)
    arm(PostgresSession, "_execute", commits, before=True)


def main(words: list[str]) -> int:
    """Serve, again and again, until a server ends that was not killed; its exit code."""
    child = 0
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    arm_all(Path(words[words.index("--dir") + 1]) / FILE)
    while True:
        child = os.fork()
        if not child:
            os._exit(serve.main(words))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != -signal.SIGKILL:
            return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
