"""Every command of `patina`, and every verb of one, has a `--help` and a `--json`."""

from __future__ import annotations

import argparse
import contextlib
import io
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commands() -> Iterator[tuple[str, Callable[[Sequence[str]], int]]]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["patina.commands"]
    for name, place in declared.items():
        module, _, function = place.partition(":")
        yield name, getattr(import_module(module), function)


def verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parser itself, or those of its verbs."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not found:
        yield "", parser
    for verb, inner in found[0].choices.items() if found else []:
        for more, own in verbs(inner):
            yield f" {verb}{more}", own


def helped(main: Callable[[Sequence[str]], int]) -> argparse.ArgumentParser:
    """The parser that a command makes: the one that is asked for `--help`."""
    seen: list[argparse.ArgumentParser] = []
    kept = argparse.ArgumentParser.print_help

    def look(self: argparse.ArgumentParser, file: object = None) -> None:
        seen.append(self)
        kept(self, io.StringIO())

    argparse.ArgumentParser.print_help = look  # type: ignore[method-assign]
    try:
        with contextlib.suppress(SystemExit):
            main(["--help"])
    finally:
        argparse.ArgumentParser.print_help = kept  # type: ignore[method-assign]
    return seen[0]


def test_every_command_explains_itself_and_answers_in_json() -> None:
    for name, main in commands():
        for verb, parser in verbs(helped(main)):
            assert parser.format_help().startswith(f"usage: patina {name}{verb}")
            assert "--json" in parser._option_string_actions, name + verb
