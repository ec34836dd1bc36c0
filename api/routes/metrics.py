"""Figures for Prometheus, in its text format 0.0.4, for the operator's key: read when asked, and counted by nobody.

Nothing here stands in the way of a request: each figure is one that the service keeps anyway, or that the system keeps
of a process. Of several processes one answers, whichever the connection came to. What is the ledger's is the same in
each; what is a process's own has the label ``worker``, its process id, so that a process that was not asked is seen to
be missing rather than taken for idle.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.site import Site, site_of
from ledger.db.view import Head
from ledger.times import parse_recorded

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
SECOND: Final = 1_000_000
Figure = tuple[str, str, str, float]
"""Name, type, what it is, and the value."""


async def get_metrics(request: Request) -> Response:
    """How large the log is and how fresh, whether it signs, the disk, and of the process that answers what it takes."""
    site = site_of(request)
    head = await site.read(site.ledger.reader.head)
    worker = f'{{worker="{os.getpid()}"}}'
    lines = [*_told(_of_the_ledger(site, head), ""), *_told(_of_this_worker(site), worker)]
    return Response("\n".join(lines) + "\n", media_type=TEXT)


def _told(figures: Iterator[Figure], labels: str) -> Iterator[str]:
    for name, kind, about, value in figures:
        yield f"# HELP {name} {about}"
        yield f"# TYPE {name} {kind}"
        yield f"{name}{labels} {value:.10g}" if value % 1 else f"{name}{labels} {int(value)}"


def _of_the_ledger(site: Site, head: Head) -> Iterator[Figure]:
    recorded = parse_recorded(head.recorded_at) / SECOND
    disk = shutil.disk_usage(site.settings.directory)
    yield "patina_log_leaves", "gauge", "Leaves under the newest checkpoint.", head.size
    yield "patina_log_statements", "gauge", "Statements among them.", head.statements
    yield "patina_log_subjects", "gauge", "Subjects that have a history.", head.subjects
    yield "patina_log_recorded_timestamp_seconds", "gauge", "When the newest of them was recorded.", recorded
    yield "patina_disk_size_bytes", "gauge", "The disk of the ledger's folder.", disk.total
    yield "patina_disk_free_bytes", "gauge", "What is free of it.", disk.free


def _of_this_worker(site: Site) -> Iterator[Figure]:
    cpu = time.process_time()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    ended = site.rehashing.ended
    yield "patina_signing", "gauge", "1 if statements are taken, else 0.", site.why_not_signing() is None
    yield "patina_appender_waiting", "gauge", "Statements that wait for their commit.", site.appender.waiting
    if ended is not None:
        yield "patina_rehash_leaves", "gauge", "Leaves that the last walk over the log hashed.", ended.size
        yield "patina_rehash_wrong", "gauge", "1 if that walk found something wrong, else 0.", ended.wrong is not None
    yield "process_cpu_seconds_total", "counter", "Processor time, in seconds.", cpu
    yield "process_resident_memory_bytes", "gauge", "Memory in use.", pages * os.sysconf("SC_PAGE_SIZE")
    yield "process_open_fds", "gauge", "Open files.", files
