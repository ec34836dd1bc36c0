"""The schema of the database: which version it has, and how it gets to the newest (Alembic, run from here).

The steps are in ``migrations/versions``; nobody needs Alembic's own command or its configuration file.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from ledger.db.engine import WRITE
from ledger.db.reason import reason
from ledger.errors import Unavailable

NEWEST = "0023"
"""The version that this program works with."""


def current(engine: Engine) -> str | None:
    """Return the version of a database's schema; ``None`` for a database without one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if version is None else str(version)


def check(engine: Engine) -> None:
    """Raise ``Unavailable`` unless the schema is the newest."""
    version = current(engine)
    if version is None:
        raise Unavailable("there is no ledger in this database")
    _check_known(version)
    if version != NEWEST:
        raise Unavailable(f"got a database of schema {version}, want {NEWEST}: run patina migrate")


def upgrade(engine: Engine, advance: Callable[[], object] = lambda: None) -> str:
    """Bring a database to the newest schema and return its version; does nothing if it has it.

    ``advance`` is told of each version that was reached. Raises ``Unavailable``, and has changed nothing, for a schema
    of a later program or tables that do not fit theirs.
    """
    _check_known(current(engine) or NEWEST)
    try:
        with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            _run(connection, advance)
    except DBAPIError as error:
        raise Unavailable(f"cannot bring the tables to {NEWEST}, nothing was changed: {reason(error)}") from error
    return NEWEST


def _check_known(version: str) -> None:
    if version > NEWEST:
        raise Unavailable(f"got a database of schema {version}, want {NEWEST} at most: a later Patina made it")


def _run(connection: Connection, advance: Callable[[], object]) -> None:
    # Only here: alembic takes a quarter of a second to import, and a server that starts does not need it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    spec = find_spec("migrations")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("the migrations are not installed beside the ledger")
    config = Config()
    config.set_main_option("script_location", str(Path(next(iter(spec.submodule_search_locations)))).replace("%", "%%"))
    config.attributes.update(connection=connection, advance=advance)
    command.upgrade(config, "head")
