"""Who may import whom: the contracts of pyproject.toml, and what the verifier needs to start.

The verifier is trusted by people who do not trust the server, so it must run where no server code is installed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Of the standard library, what computes. What reads a clock, a file, a socket or randomness is not here: the core
# gets those as arguments (style 7).
CORE_MAY_IMPORT = frozenset(
    {"__future__", "abc", "array", "base64", "binascii", "bisect", "calendar", "collections", "collections.abc"}
    | {"contextlib", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "hmac"}
    | {"itertools", "json", "math", "operator", "re", "string", "struct", "types", "typing", "unicodedata"}
    | {"urllib.parse", "uuid", "zlib", "cryptography", "msgspec", "nacl"}
)
# The command is no part of the core: it meets the world.
OUTSIDE_THE_CORE = frozenset({"command.py"})

REFUSED = ("sqlalchemy", "alembic", "fastapi", "starlette", "pydantic", "uvicorn", "jinja2", "api", "ledger.db")

START_VERIFIER = f"""
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        for refused in {REFUSED!r}:
            if name == refused or name.startswith(refused + "."):
                raise ImportError(f"the verifier imports {{name}}")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, {str(ROOT)!r})
import verifier
names = [module.name for module in pkgutil.walk_packages(verifier.__path__, "verifier.")]
for name in names:
    if name != "verifier.__main__":
        importlib.import_module(name)
print(len(names))
"""


def core_files() -> list[Path]:
    return sorted(path for path in (ROOT / "ledger").glob("*.py") if path.name not in OUTSIDE_THE_CORE)


def imported(path: Path) -> set[str]:
    """The absolute names of the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=False, text=True)


def test_contracts_hold() -> None:
    pytest.importorskip("importlinter", reason="import-linter is absent; `make test` installs it")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    run = python("-c", code)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", core_files(), ids=lambda path: path.name)
def test_the_core_computes_and_nothing_else(path: Path) -> None:
    outside = {
        name
        for name in imported(path)
        if name not in CORE_MAY_IMPORT and name.split(".")[0] not in {"ledger", "cryptography", "msgspec", "nacl"}
    }
    assert not outside, f"got imports of {sorted(outside)}, want only what computes"


def test_the_verifier_starts_without_the_server() -> None:
    run = python("-I", "-c", START_VERIFIER)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 0


def test_the_refusal_refuses() -> None:
    run = python("-I", "-c", START_VERIFIER.replace("import verifier\n", "import ledger.db\nimport verifier\n"))
    assert run.returncode != 0
    assert "the verifier imports ledger.db" in run.stderr


def test_starting_the_command_imports_no_subcommand() -> None:
    code = "import sys, ledger.command as c; c.main(['--help']); print(sorted(sys.modules))"
    run = python("-c", code)
    assert run.returncode == 0, run.stderr
    loaded = set(ast.literal_eval(run.stdout.splitlines()[-1]))
    assert not loaded & {"api", "verifier", "msgspec", "cryptography", "sqlalchemy", "fastapi"}
