"""What the service knows of its own walks over every leaf: how far the one that runs is, and how the last one ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.db.rehash import Progress


@dataclass(slots=True)
class Rehashing:
    """The walks of this process; ``ended_at`` is when the last one did, as the log writes times."""

    running: Progress | None = None
    ended: Progress | None = None
    ended_at: str | None = None

    def went(self, progress: Progress, at: str) -> None:
        """Keep how far a walk is at this time."""
        if progress.finished:
            self.running, self.ended, self.ended_at = None, progress, at
        else:
            self.running = progress

    def described(self) -> dict[str, Any]:
        """As JSON: ``running`` with ``done`` and ``size``, and ``last`` with its size, its end, and what was wrong."""
        running, ended = self.running, self.ended
        return {
            "running": None if running is None else {"done": running.done, "size": running.size},
            "last": None if ended is None else {"size": ended.size, "at": self.ended_at, "wrong": ended.wrong},
        }
