"""``patina signals``: what in a ledger should be looked at, with the entries that caused it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from api.cli import folder, terminal
from ledger.signals import SEVERITY, Signal

SHOWN = 6
"""Entries of a line; ``--json`` has them all."""


def main(argv: Sequence[str]) -> int:
    """Print the signals of now, the most urgent first; 0."""
    words = terminal.parser(
        "signals",
        "Say what in a ledger should be looked at (docs/signals.md): jumps of complaints, repeated repairs and late\n"
        "recording, revoked certificates, resets, quick and refused claims, raised ratings, scans, stolen keys.",
        "patina signals --dir var --least medium",
    )
    terminal.add_folder(words)
    words.add_argument("--least", choices=SEVERITY, default="low", help="leave out what is less severe")
    terminal.add_json(words)
    given = words.parse_args(argv)
    with folder.opened(given.dir) as ledger, terminal.progress("entries", ledger.reader.size()) as advance:
        done = 0

        def progress(now: int, _: int) -> None:
            nonlocal done
            advance(now - done)
            done = now

        found = ledger.risks.signals(progress)
        names = {party: one.name for party, one in ledger.view.parties.parties.items()}
    severe = SEVERITY[: SEVERITY.index(given.least) + 1]
    shown = [one for one in found.signals if one.severity in severe]
    if given.json:
        terminal.answer(msgspec.to_builtins({"size": found.size, "signals": shown}))
    elif shown:
        print(terminal.table(("", "signal", "party", "figures", "entries"), [_row(one, names) for one in shown]))
    else:
        print(f"nothing to look at in {found.size} leaves")
    return 0


def _row(one: Signal, names: dict[str, str]) -> tuple[str, ...]:
    entries = " ".join(str(index) for index in one.entries[:SHOWN]) + (" …" if len(one.entries) > SHOWN else "")
    figures = ", ".join(f"{name} {value}" for name, value in one.figures.items() if name not in {"key", "subject"})
    return one.severity, one.kind, names.get(one.party, one.party), figures, entries
