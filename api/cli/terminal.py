"""What every subcommand's terminal is: its words and example, its answer as JSON or text, its progress, its QR.

An answer goes to standard output and is either text for people or, with ``--json``, one JSON value; everything
else (progress, remarks, refusals) goes to standard error, so that an answer can be piped. A progress bar is drawn
only on a terminal. Errors are raised as `PatinaError`; `ledger.command` makes one line and an exit code of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

DEFAULT_FOLDER = "var"

# ISO/IEC 18004 asks for four light modules around the code; a camera needs them on a dark terminal most of all.
QUIET_ZONE = 4
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"
_PLAIN = "\x1b[0m"
_PRIVATE = 0o600


class Advance(Protocol):
    """What long work reports to: so many more steps are done."""

    def __call__(self, steps: int = 1) -> None:
        """Count `steps` more."""


def parser(command: str, about: str, example: str) -> argparse.ArgumentParser:
    """The parser of ``patina <command>``, whose ``--help`` ends with `example`."""
    return argparse.ArgumentParser(
        prog=f"patina {command}",
        description=about,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, about: str
) -> argparse.ArgumentParser:
    """The parser of a verb of a command whose one line, `about`, says all that there is to say."""
    return verbs.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")


def plain(text: str | None) -> str:
    """The text at the top of a module as ``--help`` prints it: without the marks around what is typed."""
    return (text or "").replace("`", "")


def add_folder(words: argparse.ArgumentParser) -> None:
    """Add ``--dir``: the ledger's folder, by default that of ``PATINA_DIR``, or ``var``."""
    words.add_argument(
        "--dir",
        type=Path,
        metavar="D",
        default=Path(os.environ.get("PATINA_DIR") or DEFAULT_FOLDER),
        help="the ledger's folder (default: PATINA_DIR, or %(default)s)",
    )


def add_json(words: argparse.ArgumentParser) -> None:
    """Add ``--json``: the answer as one JSON value."""
    words.add_argument("--json", action="store_true", help="answer with JSON")


def answer(value: Any) -> None:
    """Print `value` as JSON, one line a top member, with every script readable."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def remark(text: str) -> None:
    """Print a line that is not the answer, to standard error."""
    print(text, file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows in columns as wide as their widest cell (Han characters count two), under the words of `head`."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    from rich.cells import cell_len  # noqa: PLC0415 (its tables of widths load only where a table is printed)

    return cell_len(text)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Advance]:
    """A bar on standard error while the block runs; silent where that is not a terminal."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=total)

        def advance(steps: int = 1) -> None:
            bar.advance(task, steps)

        yield advance


def qr_text(address: str, *, colour: bool) -> str:
    """`address` as a QR code of level M in half blocks, two rows of modules a line.

    With `colour` dark modules are black on white whatever the terminal's colours are; without, light modules are
    drawn, which reads on the usual dark terminal.
    """
    from qrcode import QRCode  # noqa: PLC0415 (only two commands draw a code)
    from qrcode.constants import ERROR_CORRECT_M  # noqa: PLC0415

    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(address)
    code.make(fit=True)
    rows = [[bool(dark) for dark in row] for row in code.get_matrix()]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    inked = colour  # what a block character stands for: a dark module, or on a dark terminal a light one
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        cells = "".join(
            " ▄▀█"[2 * (top is inked) + (bottom is inked)] for top, bottom in zip(upper, lower, strict=True)
        )
        lines.append(f"{_BLACK_ON_WHITE}{cells}{_PLAIN}" if colour else cells)
    return "\n".join(lines)


def keep_private(path: Path, text: str) -> None:
    """Write `text` to a new file that only its owner may read; raises `FileExistsError` rather than replace one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
