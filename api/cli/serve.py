"""``patina serve``: uvicorn on a ledger's folder, one process or several on one port.

Each worker binds its own socket with SO_REUSEPORT (Linux socket(7)), so that the kernel spreads connections; one
shared socket may give one worker all of them. The first process binds the port too and never listens: it holds the
number for as long as it lives, also when the port asked for is 0. A worker that dies is started again; one that
cannot start ends them all. SIGTERM and SIGINT let requests in flight finish.

The interpreter's switch interval and its collector's thresholds are set here and nowhere else: `append` runs on the
event loop beside one verifying thread, and a pass of the collector over a loaded ledger would cost a request 20 ms.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from api.cli import certificate, folder, terminal
from api.cli.announce import announce, announced
from api.plain_log import log_config
from api.settings import Settings, read_settings
from ledger import times
from ledger.errors import Invalid, PatinaError, Unavailable

DEFAULT_PORT = 8000
BACKLOG = 2048
SWITCH_INTERVAL = 0.0005
YOUNG = 10_000
"""Objects after which Python looks for cycles among those made since. Statements of one commit are alive together, with
some dozens of objects each: after 700, Python's own number, these are looked at over and over in vain."""
GRACE = 10
"""Seconds that requests in flight get after a signal to stop."""
POLL = 0.2
"""Seconds between looks at whether all workers are ready."""
SLACK = times.MINUTE
"""That a clock may be behind the last leaf, as of two machines, before the operator is told."""
COULD_NOT = 2


def main(argv: Sequence[str]) -> int:
    """Serve until a signal; 0 if it was stopped, 2 if it could not start."""
    words = terminal.parser(
        "serve",
        "Serve a ledger: statements in, receipts, histories and item pages out.",
        "patina serve --dir var --host 0.0.0.0 --port 8000",
    )
    terminal.add_folder(words)
    words.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    words.add_argument("--port", type=_port, default=DEFAULT_PORT, help="port; 0 takes a free one (default: 8000)")
    words.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    words.add_argument("--tls", action="store_true", help="https, by a certificate that this machine makes for itself")
    words.add_argument("--tls-cert", type=Path, metavar="FILE", help="https, by this certificate (PEM, with its chain)")
    words.add_argument("--tls-key", type=Path, metavar="FILE", help="the key of that certificate (PEM)")
    folder.add_clock(words)
    words.add_argument("--announce", action="store_true", help="print page, QR code, API key and vkey of the demo")
    words.add_argument(
        "--json", action="store_true", help="say where it serves as one line of JSON, once it does; logs go to stderr"
    )
    given = words.parse_args(argv)
    if not 1 <= given.workers <= 64:
        raise Invalid(f"got {given.workers} workers, want 1 to 64")
    if (given.tls_cert is None) != (given.tls_key is None):
        raise Invalid("want --tls-cert and --tls-key together")
    return serve(given)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"got {text!r}, want 0 to 65535")
    return int(text)


def serve(given: argparse.Namespace) -> int:
    """Hold the port, and run the workers until a signal."""
    if not folder.holds_ledger(given.dir):
        raise Unavailable(f"got no ledger in {given.dir}: patina init or patina demo makes one")
    # Another server that shares its port would share this one's connections: ask for it alone first.
    bind(given.host, given.port, shared=False).close()
    held = bind(given.host, given.port)
    pair = _certificate(given)
    accept = given.accept_clock or _ask(given.dir)
    place = Place(given.dir, given.host, held.getsockname()[1], accept_clock=accept, pair=pair)
    _leave_at_signals()

    def tell() -> None:
        if given.json:
            demo = announced(place.directory, place.settings().public_url) if given.announce else {}
            print(json.dumps(place.value() | {"workers": given.workers} | demo, ensure_ascii=False), flush=True)
            return
        terminal.remark(f"serving {place.directory} on {place.settings().public_url}")
        if pair is not None:
            terminal.remark(f"certificate {pair.certificate}, SHA-256 {pair.fingerprint()}")
        if os.environ.get("PATINA_PUBLIC_URL"):
            terminal.remark(f"listening on {place.host} port {place.port}")
        if given.announce:
            announce(place.directory, place.settings().public_url)

    if given.workers == 1:
        return run(place, tell)
    return _supervise(place, given.workers, tell)


def _certificate(asked: argparse.Namespace) -> certificate.Pair | None:
    """The certificate that was asked for, given or made here; ``None`` for plain http."""
    if asked.tls_cert is not None:
        return certificate.given(asked.tls_cert, asked.tls_key)
    return certificate.own(asked.dir, asked.host) if asked.tls else None


def _ask(directory: Path) -> bool:
    """The operator's word on the clock, asked for where the ledger slept for more than a day (format.md §4)."""
    try:
        with folder.opened(directory) as ledger:
            gap = folder.now_us() - folder.last_recorded(ledger)
    except Unavailable:
        return False  # the server says why, on every page
    if gap < -SLACK:
        until = times.format_recorded(folder.now_us() - gap)
        terminal.remark(f"this machine's clock is behind the last leaf: all is recorded at {until} until it gets there")
    if gap <= times.DAY:
        return False
    terminal.remark(f"the last leaf is {gap / times.DAY:.1f} days old; this machine's clock says {folder.now_text()}")
    if not sys.stdin.isatty():
        terminal.remark(f"nothing is written until the operator says that this is right: {folder.CLOCK}")
        return False
    return input("is that right? [y/N] ").strip().lower() in {"y", "yes"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which ledger is served, and where: what a worker process is given."""

    directory: Path
    host: str
    port: int
    jobs: bool = True
    accept_clock: bool = False
    workers: int = 1
    pair: certificate.Pair | None = None

    def value(self) -> dict[str, Any]:
        """Where it is, for programs; ``url`` is what printed addresses begin with."""
        shown = {"url": self.settings().public_url, "host": self.host, "port": self.port, "dir": str(self.directory)}
        return shown if self.pair is None else {**shown, "fingerprint": self.pair.fingerprint()}

    def settings(self) -> Settings:
        """The settings of a process that serves here."""
        return read_settings(
            self.directory,
            os.environ,
            host=self.host,
            port=self.port,
            jobs=self.jobs,
            workers=self.workers,
            accept_clock=self.accept_clock,
            tls=self.pair is not None,
        )


def bind(host: str, port: int, *, shared: bool = True) -> socket.socket:
    """A socket bound to the address, which others may bind too if `shared`, not listening; raises `Unavailable`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise Unavailable(f"cannot listen on {host} port {port}: {(error.strerror or str(error)).lower()}") from None
    return bound


def run(place: Place, started: Callable[[], None]) -> int:
    """Serve in this process until a signal; `started` is called once connections are accepted."""
    import uvicorn  # noqa: PLC0415 (a supervisor needs no server)

    from api.app import create_app  # noqa: PLC0415

    class Server(uvicorn.Server):
        """uvicorn, and what must happen between its start and the first request."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                leave_alone()
                refusal = app.state.site.why_not_signing()
                if refusal is not None:
                    terminal.remark(f"nothing is signed: {refusal}")
                started()

    app = create_app(place.settings())
    sys.setswitchinterval(SWITCH_INTERVAL)
    listening = bind(place.host, place.port)
    listening.listen(BACKLOG)
    config = uvicorn.Config(
        app,
        **_https(place.pair),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        # The client's address is the connection's: whom else to believe is a setting (api.limits), and not a default.
        proxy_headers=False,
        log_level="warning",
        log_config=log_config(),
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = Server(config)
    server.run(sockets=[listening])
    return 0 if server.started else COULD_NOT


def leave_alone() -> None:
    """Tell Python that what is there now stays, and to look for cycles among what comes later, and seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


def _https(pair: certificate.Pair | None) -> dict[str, Any]:
    """What uvicorn is told of the certificate; nothing for plain http."""
    return {} if pair is None else {"ssl_certfile": str(pair.certificate), "ssl_keyfile": str(pair.key)}


def _leave_at_signals() -> None:
    """Make a signal to stop an exit with 0, also while starting; uvicorn obeys it first and then raises it again."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def _work(place: Place, ready: Event) -> None:
    """The whole life of one worker process; ends it with the exit code of `run`."""
    _leave_at_signals()
    try:
        sys.exit(run(place, ready.set))
    except PatinaError as error:
        terminal.remark(f"patina serve: {error.message}")
        sys.exit(COULD_NOT)


def _supervise(place: Place, count: int, tell: Callable[[], None]) -> int:
    """Start the workers, start again those that die, stop them all at a signal; 0, or 2 if one could not start."""
    # Spawned, not forked: each worker opens its own database and its own event loop.
    context = multiprocessing.get_context("spawn")
    stopping = threading.Event()
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: stopping.set())
    ready = [context.Event() for _ in range(count)]

    def start(number: int) -> SpawnProcess:
        ready[number].clear()
        worker = context.Process(target=_work, args=(replace(place, jobs=number == 0, workers=count), ready[number]))
        worker.start()
        return worker

    workers = [start(number) for number in range(count)]
    told = failed = False
    while not (stopping.is_set() or failed):
        if not told and all(event.is_set() for event in ready):
            told = True
            tell()
        wait([worker.sentinel for worker in workers], timeout=POLL)
        for number, worker in enumerate(workers):
            if worker.exitcode is None or stopping.is_set():
                continue
            failed = failed or not ready[number].is_set()
            if not failed:
                terminal.remark(f"worker {worker.pid} ended with {worker.exitcode}: starting another")
                workers[number] = start(number)
    return _stop(workers, failed=failed)


def _stop(workers: list[SpawnProcess], *, failed: bool) -> int:
    """Ask every worker to finish, and end those that do not."""
    for worker in workers:
        if worker.exitcode is None:
            worker.terminate()
    for worker in workers:
        worker.join(GRACE + 5)
        if worker.exitcode is None:
            worker.kill()
    return COULD_NOT if failed else 0
