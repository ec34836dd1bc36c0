"""The keystroke-level model: seconds of a practised person for what was done at a screen, counted, not timed.

Card, Moran and Newell, "The keystroke-level model for user performance time with interactive systems", Communications
of the ACM 23(7), 1980, 396-410: a key or button pressed takes an average typist who is no secretary 0.28 s, pointing
1.10 s, moving the hand between keyboard and pointer 0.40 s, making up one's mind 1.35 s. How long the service takes is
not in it.

What is pressed and pointed at is taken from the browser's own events. The mind is made up before each field, filled or
passed over, before each button, and before recording: more often than the authors' rules ask. Two acts are no operator
of theirs: a hand scanner is taken, aimed, pressed and put back (H, P, K, H), and its code is nobody's typing; for a
photograph, a shutter and a "use it" are pressed after its field (P and K each).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from playwright.sync_api import Page

SECONDS: Final = {"K": 0.28, "P": 1.10, "H": 0.40, "M": 1.35}
_LISTEN: Final = """
for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, (event) => {
  const at = event.target;
  if (event.isTrusted) window.acted(kind, event.key ?? "", at.name || at.dataset?.make || at.tagName);
}, true);
"""


class Model:
    """What is done on a page from now on."""

    def __init__(self, page: Page) -> None:
        self.counts: Counter[str] = Counter()
        self._where, self._hand = "", "keydown"
        page.expose_binding("acted", self._acted)
        page.add_init_script(_LISTEN)

    def begin(self) -> None:
        """Count anew, with the hands on the keyboard."""
        self.counts.clear()
        self._where, self._hand = "", "keydown"

    def scans(self) -> None:
        """A code is scanned by hand."""
        self.counts.update("MHPKH")

    def takes(self) -> None:
        """A photograph is taken, after its field was touched."""
        self.counts.update("PKPK")

    def decides(self) -> None:
        """What was filled in is found good."""
        self.counts.update("M")

    @property
    def seconds(self) -> float:
        return sum(SECONDS[one] * count for one, count in self.counts.items())

    def _acted(self, _: Any, kind: str, key: str, where: str) -> None:
        if kind != self._hand:
            self.counts.update("H")
            self._hand = kind
        if where != self._where:
            self.counts.update("M")
            self._where = where
        # A capital letter wants the shift key, too.
        self.counts.update("PK" if kind == "pointerdown" else "KK" if len(key) == 1 and key.isupper() else "K")
