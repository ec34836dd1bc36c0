"""The rules of the house that a machine can hold: sizes, names, and what no committed file may say.

The exceptions are few, and each has its reason beside it; a rule that needs many is the wrong rule.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ledger", "api", "verifier", "migrations")

FILE_LINES = 400
CORE_LINES = 350  # "about 300"
FUNCTION_LINES = 40
POSITIONAL_PARAMETERS = 5

# Path → the lines it may have, and why it is not cut.
LONG_FILES: dict[str, tuple[int, str]] = {}
# "path:function" → the lines it may have, and why it is not cut.
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}
# "path:function" → why its parameters are not fewer.
MANY_PARAMETERS: dict[str, str] = {}

# Words that say nothing, as whole words of a name: `BlockReader` and `run_process` are refused, `processed` is not.
EMPTY_WORDS = frozenset(
    {"manager", "helper", "helpers", "util", "utils", "common", "base", "service", "handler", "data", "info"}
    | {"process", "block", "blockchain"}
)
# Names that a library or a specification gave, and whose word it is.
GIVEN_NAMES: dict[str, str] = {"_INFO": "the parameter of HKDF, RFC 5869"}

# What no committed file says. Each is built so that it does not find itself in this file.
ONE_MACHINE = re.compile(r"(?<![\w.~-])/(?:root|home|Users|work)/(?!shared/\.\.)\w")
INDEX_HOSTS = re.compile(
    r"\b(?:pypi\.(?:org|python\.org)|files\.pythonhosted\.(?:org)|registry\.(?:npmjs|yarnpkg)\.|"
    r"repo1?\.maven\.|index\.crates\.|static\.crates\.|proxy\.golang\.|deb\.debian\.)"
)
URL_IN_LOCK = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host")


@cache
def committed() -> list[str]:
    """The paths that git holds or would add, from the root; every file, where this is no checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listing.returncode:
        pytest.skip(f"no list of committed files: {listing.stderr.strip()}")
    return sorted(path for path in listing.stdout.split("\0") if path and (ROOT / path).is_file())


def sources() -> list[str]:
    """The committed Python files of the packages."""
    return [path for path in committed() if path.endswith(".py") and path.split("/")[0] in PACKAGES]


def python_files() -> list[str]:
    """Every committed Python file."""
    return [path for path in committed() if path.endswith(".py")]


@lru_cache(maxsize=1)
def tree(path: str) -> ast.Module:
    """The syntax tree of one file, named from the root."""
    return ast.parse((ROOT / path).read_text("utf-8"), filename=path)


def functions(path: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of a file with its dotted name."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + child.name, child
                yield from walk(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    yield from walk(tree(path), "")


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring and the blank lines not counted: explaining is free."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        first = function.body[0]
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def words(name: str) -> set[str]:
    """The lower-case words of a name in snake_case or CamelCase; a digit belongs to the word before it."""
    return {word.lower() for word in re.findall(r"[A-Z][A-Z0-9]*(?![a-z])|[A-Z]?[a-z][a-z0-9]*", name)}


def names_defined(path: str) -> Iterator[tuple[str, int]]:
    """The names that a file gives: itself, its classes, functions and module-level variables, with their line."""
    yield from ((part, 1) for part in Path(path).with_suffix("").parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
    for node in tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from ((target.id, node.lineno) for target in targets if isinstance(target, ast.Name))


def test_files_are_short() -> None:
    found = []
    for path in python_files():
        lines = len((ROOT / path).read_text("utf-8").splitlines())
        core = path.startswith("ledger/") and not path.startswith("ledger/db/")
        allowed, _reason = LONG_FILES.get(path, (CORE_LINES if core else FILE_LINES, ""))
        if lines > allowed:
            found.append(f"{path}: got {lines} lines, want at most {allowed}")
    assert not found, "\n".join(found)


def test_functions_are_short() -> None:
    found = []
    for path in python_files():
        for name, function in functions(path):
            allowed, _reason = LONG_FUNCTIONS.get(f"{path}:{name}", (FUNCTION_LINES, ""))
            if length(function) > allowed:
                found.append(f"{path}:{function.lineno} {name}: got {length(function)} lines, want at most {allowed}")
    assert not found, "\n".join(found)


def test_functions_take_few_parameters_by_position() -> None:
    found = []
    for path in sources():
        for name, function in functions(path):
            given = [arg.arg for arg in function.args.posonlyargs + function.args.args]
            count = len(given) - (given[:1] in (["self"], ["cls"]))
            if count > POSITIONAL_PARAMETERS and f"{path}:{name}" not in MANY_PARAMETERS:
                found.append(f"{path}:{function.lineno} {name}: got {count} parameters, want at most five")
    assert not found, "\n".join(found)


def test_names_say_something() -> None:
    found = [
        f"{path}:{line} {name}: the word {', '.join(sorted(words(name) & EMPTY_WORDS))} says nothing"
        for path in sources()
        for name, line in names_defined(path)
        if words(name) & EMPTY_WORDS and name not in GIVEN_NAMES
    ]
    assert not found, "\n".join(found)


def test_files_say_what_they_are_for() -> None:
    found = [path for path in python_files() if not ast.get_docstring(tree(path)) and tree(path).body]
    assert not found, f"without a first paragraph: {found}"


def test_exceptions_are_still_needed() -> None:
    stale = [path for path, (lines, _reason) in LONG_FILES.items() if not _longer_than(path, FILE_LINES, lines)]
    named = {name.partition(":")[0] for name in (*LONG_FUNCTIONS, *MANY_PARAMETERS)}
    paths = [path for path in python_files() if path in named]
    known = {f"{path}:{name}": length(function) for path in paths for name, function in functions(path)}
    stale += [name for name in LONG_FUNCTIONS if known.get(name, 0) <= FUNCTION_LINES]
    stale += [name for name in MANY_PARAMETERS if name not in known]
    assert not stale, f"remove from the exceptions: {stale}"


def _longer_than(path: str, usual: int, allowed: int) -> bool:
    if not (ROOT / path).is_file():
        return False
    core = path.startswith("ledger/") and not path.startswith("ledger/db/")
    return min(usual, CORE_LINES if core else usual) < len((ROOT / path).read_text("utf-8").splitlines()) <= allowed


def test_no_file_names_one_machine_or_an_index() -> None:
    found = []
    for path in committed():
        try:
            text = (ROOT / path).read_text("utf-8")
        except UnicodeDecodeError:
            continue  # pictures
        for number, line in enumerate(text.split("\n"), 1):
            hit = ONE_MACHINE.search(line) or INDEX_HOSTS.search(line)
            if hit:
                found.append(f"{path}:{number}: {hit.group()}")
    assert not found, "\n".join(found)


def test_locks_hold_hashes_and_no_address() -> None:
    locks = [path for path in committed() if path.startswith("requirements/")]
    assert {"requirements/bootstrap.txt", "requirements/dev.txt", "requirements/run.txt"} <= set(locks)
    for path in locks:
        text = (ROOT / path).read_text("utf-8")
        assert not URL_IN_LOCK.search(text), path
        pins = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert pins, path
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins), path


def test_locks_of_one_package_agree() -> None:
    def pinned(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text("utf-8")
        return set(re.findall(r"^([a-z0-9._-]+==\S+)", text, flags=re.MULTILINE))

    assert pinned("run.txt") <= pinned("dev.txt"), "tests must run what the service runs"


def test_no_pattern_is_one_that_debian_12_gets_wrong() -> None:
    # Possessive quantifiers and atomic groups match what they should not up to Python 3.11.4 (CPython issue 106052),
    # and only at run time, on that Python: a screen that passes everything.
    found = []
    for path in sources():
        if path.startswith("migrations/") or path.endswith("__main__.py"):
            continue
        module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and possessive(value):
                found.append(f"{path}: {name}")
    assert not found, "\n".join(found)


def possessive(pattern: re.Pattern[str] | re.Pattern[bytes]) -> bool:
    """Whether a pattern has a possessive quantifier or an atomic group, as Python's own parser sees it."""
    parser: Any = import_module("re._parser")
    tree = str(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    return "POSSESSIVE_REPEAT" in tree or "ATOMIC_GROUP" in tree


@pytest.mark.parametrize("text", ["a*+", "(?:a|b)++c", "x(?>y)z", "[ab]{1,3}+"])
def test_a_possessive_pattern_is_found(text: str) -> None:
    assert possessive(re.compile(text))
    assert possessive(re.compile(text.encode()))
    assert not possessive(re.compile("[*+?]+" + re.escape(text)))


@pytest.mark.parametrize("text", ["/ho" + "me/ann/x", "see /ro" + "ot/x", '"/Us' + 'ers/ann"', "/wo" + "rk/main"])
def test_a_path_of_one_machine_is_found(text: str) -> None:
    assert ONE_MACHINE.search(text)


@pytest.mark.parametrize("text", ["tile/root/3", "../shared/vectors", "/v1/work/items", "~/home"])
def test_other_paths_are_not(text: str) -> None:
    assert not ONE_MACHINE.search(text)


def test_an_index_is_found() -> None:
    assert INDEX_HOSTS.search("https://" + "pypi" + ".org/simple")


def test_words_of_names() -> None:
    assert words("BlockReader") == {"block", "reader"}
    assert words("run_HTTPProcess") == {"run", "http", "process"}
    assert words("_BASE64_LENGTH") == {"base64", "length"}
    assert not words("processed_database") & EMPTY_WORDS
