"""Collects the first finding of every check while an audit goes on (format.md §7)."""

from __future__ import annotations

from verifier.findings import Finding

AFTER_UNKNOWN = frozenset({"authority", "state", "links", "id", "seal", "vkey"})
"""Checks that rest on every earlier leaf: a leaf of a later version makes what they find "could not tell" (§9)."""


class Report:
    """The findings so far: for each check the disproved one with the lowest index, and the lowest unknown one."""

    def __init__(self) -> None:
        self.blind_from: int | None = None
        self._first: dict[tuple[str, bool], Finding] = {}

    def add(self, check: str, why: str, index: int | None = None, *, disproved: bool = True) -> None:
        """Note a finding, unless an earlier leaf failed the same check."""
        blind = self.blind_from is not None and (index is None or index > self.blind_from)
        if blind and check in AFTER_UNKNOWN:
            disproved = False
        known = self._first.get((check, disproved))
        if known is None or (index is not None and known.index is not None and index < known.index):
            self._first[check, disproved] = Finding(check, why, index, disproved)

    def findings(self) -> tuple[Finding, ...]:
        """All of them by index; what belongs to no leaf, or to a whole tile of them, stands last."""
        return tuple(sorted(self._first.values(), key=_place))


def _place(finding: Finding) -> tuple[bool, int, bool]:
    return finding.index is None, finding.index or 0, not finding.disproved
