"""What a check found, and the verdict that follows: proven, disproved, or could not tell (format.md §7 and §9).

A *finding* is the first failure of one check, with the index of the leaf where it was seen. Findings are of two kinds.
*Disproved* means that the format forbids what was seen. *Unknown* means that this program lacks something (a later
version, a file that could not be fetched) and says so: it is never turned into an accusation.

>>> verdict = Verdict("ledger.example/main, 3 leaves", (Finding("prev", "got 00…, want 58…", 2),))
>>> print(verdict.text())
disproved: ledger.example/main, 3 leaves
  leaf 2, prev: got 00…, want 58…
>>> verdict.exit_code
1
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SHOWN = 8
"""Indexes of a list that a text names."""
Outcome = Literal["proven", "disproved", "could not tell"]
EXIT_CODES: Mapping[Outcome, int] = {"proven": 0, "disproved": 1, "could not tell": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed: its number (histories) or name (audits), why, and the index of the leaf, if one is meant."""

    check: int | str
    why: str
    index: int | None = None
    disproved: bool = True

    def text(self, *, beside_worse: bool = True) -> str:
        """One line for people; ``beside_worse``: the verdict is not "could not tell" already, so the line says it."""
        name = f"check {self.check}" if isinstance(self.check, int) else self.check
        place = "" if self.index is None else f"leaf {self.index}, "
        doubt = " (could not tell)" if beside_worse and not self.disproved else ""
        return f"{place}{name}: {self.why}{doubt}"

    def value(self) -> dict[str, Any]:
        """The finding as JSON values."""
        severity = "disproved" if self.disproved else "unknown"
        return {"check": self.check, "index": self.index, "why": self.why, "severity": severity}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, everything that failed (nothing: it is proven), and what was proved, in words and values.

    ``notes`` are limits of the verdict that a reader must see beside it, such as a check that was left out on demand.
    A fact that is a list of indexes is counted in the text; one that is a list of records is for programs alone.
    """

    what: str
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Disproved if any finding is; else could not tell if there is any; else proven."""
        if any(finding.disproved for finding in self.findings):
            return "disproved"
        return "could not tell" if self.findings else "proven"

    @property
    def exit_code(self) -> int:
        """0 proven, 1 disproved, 2 could not tell."""
        return EXIT_CODES[self.outcome]

    def text(self) -> str:
        """The verdict for people: one line, and one more for each finding, fact and note."""
        lines = [f"{self.outcome}: {self.what}"]
        worse = self.outcome == "disproved"
        lines += [f"  {finding.text(beside_worse=worse)}" for finding in self.findings]
        lines += [f"  {name}: {text}" for name, value in self.facts.items() if (text := _text(value))]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def value(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return {
            "verdict": self.outcome,
            "what": self.what,
            "findings": [finding.value() for finding in self.findings],
            "facts": dict(self.facts),
            "notes": list(self.notes),
        }

    def json(self) -> str:
        """The verdict as one JSON document."""
        return json.dumps(self.value(), ensure_ascii=False, indent=2)


def _text(value: Any) -> str:
    """A fact in one line."""
    if not isinstance(value, list):
        return str(value)
    if any(isinstance(one, dict) for one in value):
        return ""
    if any(isinstance(one, str) for one in value):
        return ", ".join(value)
    more = "" if len(value) <= SHOWN else " and so on"
    return f"{len(value)}, at leaves {', '.join(map(str, value[:SHOWN]))}{more}" if value else "0"


def worst(verdicts: list[Verdict]) -> int:
    """The exit code for several verdicts: one disproved outweighs what could not be told, and that what was proven."""
    codes = {verdict.exit_code for verdict in verdicts}
    return 1 if 1 in codes else max(codes, default=0)
