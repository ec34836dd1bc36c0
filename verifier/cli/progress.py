"""How far a long command has come, on standard error if that is a terminal: a bar if ``rich`` is there, else a line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Progress = Callable[[int, int], None]


@contextmanager
def progress(title: str, stream: TextIO | None = None) -> Iterator[Progress | None]:
    """What to tell ``(done, all)``; ``None`` where nobody would see it."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield None
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - the verifier runs without it
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    except ImportError:
        yield from _line(title, stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _line(title: str, stream: TextIO) -> Iterator[Progress]:
    shown = -1

    def tell(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(1, total)
        if percent != shown:
            shown = percent
            stream.write(f"\r{title} {done:,} of {total:,} ({percent} %)")
            stream.flush()

    try:
        yield tell
    finally:
        stream.write("\r\x1b[K")
        stream.flush()
