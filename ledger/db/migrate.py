"""The schema of the database: which version it has, and how it gets to the newest (Alembic, run from here).

The steps are in ``migrations/versions``; nobody needs Alembic's own command or its configuration file.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ledger.db.engine import WRITE
from ledger.errors import Unavailable

NEWEST = "0020"
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
    if version != NEWEST:
        raise Unavailable(f"got a database of schema {version}, want {NEWEST}: run patina migrate")


def upgrade(engine: Engine) -> str:
    """Bring a database to the newest schema and return its version; does nothing if it has it."""
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        _run(connection)
    return NEWEST


def _run(connection: Connection) -> None:
    # Only here: alembic takes a quarter of a second to import, and a server that starts does not need it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    spec = find_spec("migrations")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("the migrations are not installed beside the ledger")
    config = Config()
    config.set_main_option("script_location", str(Path(next(iter(spec.submodule_search_locations)))).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
