"""The command ``patina``: finds its subcommands, imports the one that is asked for, and turns errors into lines.

A subcommand is an entry point of the group ``patina.commands`` (PyPA entry points specification) whose function
takes the remaining words and returns the exit code::

    [project.entry-points."patina.commands"]
    audit = "verifier.cli:audit"

So `api` and `verifier` need not know of each other, the verifier installs without the server, and starting up
imports only what the subcommand needs. Exit codes: 0 done or proven, 1 disproved, 2 could not (wrong words, wrong
input, something missing, could not tell), 130 interrupted. An error is one line on standard error; a traceback means
a broken invariant, that is, a bug.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Protocol

from ledger.errors import Disproved, Invalid, PatinaError

GROUP = "patina.commands"
DISTRIBUTION = "patina-ledger"

# One line each, here and not in the subcommand's module, so that listing them imports none of them.
SUMMARIES = {
    "init": "make a new ledger in a folder",
    "serve": "serve a ledger: HTTP, item pages, proofs",
    "demo": "fill a ledger with demo parties, items and repairs",
    "migrate": "bring a ledger's database to this version's tables",
    "party": "register parties, suspend and list them",
    "key": "add, rotate, revoke and list the keys of a party",
    "ledger-key": "add, retire and list the keys that sign checkpoints",
    "person": "add, list and change the people of a party",
    "card": "draw sealed cards, and write the file to print",
    "print": "write receipts, labels and certificates as files",
    "import": "bring in records of others as items and statements",
    "erase": "destroy private members, and say so in the log",
    "backup": "copy a ledger in use, and the keys to private members apart",
    "restore": "put a backup in a ledger's place, without a second history",
    "master": "change the master key",
    "rebuild": "make what lists and searches read again, from the log",
    "signals": "what in a log should be looked at, with the entries",
    "standard": "show service standards, and check one",
    "calendar": "propose the working days of a year",
    "bench": "measure this machine and this version",
    "keygen": "make a signing key",
    "sign": "sign a statement",
    "verify": "check receipts and histories, offline",
    "audit": "check a whole ledger: a folder or an address",
    "report": "count how cases went, or count a report again",
    "qr": "make QR codes, and read them from pictures",
}

# What a missing import means for whoever installed only a part.
EXTRA_OF = {"api": "server", "verifier": "qr"}

EXIT_DISPROVED = 1
EXIT_COULD_NOT = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141


class Command(Protocol):
    """A subcommand that is installed but not imported: what this file needs of an ``EntryPoint``."""

    @property
    def module(self) -> str:
        """The module that `load` imports."""

    def load(self) -> Callable[[Sequence[str]], int]:
        """The function of the subcommand; imports its module."""


def installed() -> dict[str, Command]:
    """The subcommands of every installed distribution, by name; nothing is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def usage(commands: Mapping[str, Command]) -> str:
    """The text of ``patina --help``: known subcommands in the order of a ledger's life, then any others."""
    names = [name for name in SUMMARIES if name in commands] + sorted(set(commands) - set(SUMMARIES))
    width = max(map(len, names), default=0)
    rows = [f"  {name:<{width}}  {SUMMARIES.get(name, '')}".rstrip() for name in names]
    return "\n".join(
        [
            "usage: patina COMMAND …",
            "",
            "A ledger of what happened to a thing, provable to a phone and an auditor.",
            "",
            *rows,
            "",
            "patina COMMAND --help says more; patina --version names this version.",
        ]
    )


def main(argv: Sequence[str] | None = None, commands: Mapping[str, Command] | None = None) -> int:
    """The exit code of ``patina`` with the words `argv` (default: the process's own).

    `commands` are the subcommands by name (default: the installed ones). Raises `SystemExit` where a subcommand's
    own parser does, and nothing that a wrong input could cause.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    found = installed() if commands is None else commands
    if not words:
        print(usage(found), file=sys.stderr)
        return EXIT_COULD_NOT
    name, rest = words[0], words[1:]
    if name in ("--help", "-h"):
        print(usage(found))
        return 0
    if name == "--version":
        print(f"patina {_version()}")
        return 0
    if name not in found:
        return _fail("patina", f"got the command {name!r}, want one of: {', '.join(sorted(found))}")
    return _run(name, found[name], rest)


def _run(name: str, command: Command, words: Sequence[str]) -> int:
    """The exit code of one subcommand, with every error that its input can cause turned into a line."""
    title = f"patina {name}"
    try:
        code = command.load()(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get(command.module.split(".")[0])
        if extra is None or error.name is None or error.name.split(".")[0] in EXTRA_OF:
            raise  # a module of our own is missing: a broken installation, not a missing extra
        return _fail(title, f"got no module {error.name!r}, want {DISTRIBUTION} installed with its extra [{extra}]")
    except PatinaError as error:
        code = EXIT_DISPROVED if isinstance(error, Disproved) else EXIT_COULD_NOT
        for one in (error, *(error.also if isinstance(error, Invalid) else ())):
            _fail(title, one.message + (f" (at {one.pointer})" if one.pointer else ""))
        return code
    except BrokenPipeError:
        # The reader, say `head`, has seen enough; without this the interpreter's last flush would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE_CLOSED
    except OSError as error:
        place = f": {error.filename}" if error.filename is not None else ""
        return _fail(title, f"{(error.strerror or str(error)).lower()}{place}")
    return code


def _fail(title: str, message: str, code: int = EXIT_COULD_NOT) -> int:
    """`code`, after one line on standard error, whatever line ends the message holds."""
    print(f"{title}: {' '.join(message.split())}", file=sys.stderr)
    return code


def _version() -> str:
    """The version of the installed distribution, or where it is only a folder, that it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
