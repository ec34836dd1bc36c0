"""Reading: histories, receipts, tiles and proofs, each from one snapshot of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state import State


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the search for items. Times are those of its first and last entry; ``held`` says it has a holder."""

    subject: str
    name: str
    category: str
    brand: str | None
    model: str | None
    state: str
    registered_by: str
    held: bool
    first_recorded: str
    last_recorded: str
    count: int


class Reader:
    """Answers about the ledger; any thread may ask."""

    def size(self) -> int:
        """The tree size of the newest checkpoint."""
        raise NotImplementedError

    def checkpoint(self) -> str:
        """The newest checkpoint, a signed note."""
        raise NotImplementedError

    def history(
        self,
        subject: str,
        *,
        disclosures: Mapping[str, Sequence[str]] | None = None,
        absent: bool = False,
    ) -> tuple[int, bytes] | None:
        """The history bundle of a subject (format.md §7) at the newest checkpoint, and that checkpoint's size.

        ``None`` if the subject has no entry, unless ``absent`` asks for the proof of that. ``disclosures`` go in by
        statement id. Its map proofs are checked before it is returned; raises ``Unavailable`` if they do not hold.
        """
        raise NotImplementedError

    def receipt(self, statement_id: str) -> bytes | None:
        """The receipt of a statement as JSON, to the newest checkpoint."""
        raise NotImplementedError

    def entry(self, statement_id: str) -> tuple[int, bytes] | None:
        """The index and the bytes of the entry of a statement."""
        raise NotImplementedError

    def entries(self, subject: str) -> list[tuple[int, bytes]]:
        """The index and the bytes of every entry of a subject, oldest first."""
        raise NotImplementedError

    def state(self, subject: str) -> State | None:
        """The state of an item, case or party subject as append judges by it."""
        raise NotImplementedError

    def leaf(self, index: int) -> bytes | None:
        """The bytes of a leaf."""
        raise NotImplementedError

    def tile(self, level: int, n: int, width: int = 256) -> bytes | None:
        """A hash tile of C2SP tlog-tiles, ``32 * width`` bytes; ``None`` if the tree does not have it."""
        raise NotImplementedError

    def bundle(self, n: int, width: int = 256) -> bytes | None:
        """An entry bundle of C2SP tlog-tiles of ``width`` leaves; ``None`` if the tree does not have it."""
        raise NotImplementedError

    def inclusion(self, index: int, size: int) -> list[bytes] | None:
        """The inclusion proof of a leaf in the tree of ``size`` leaves; ``None`` unless index < size <= ours."""
        raise NotImplementedError

    def consistency(self, old: int, new: int) -> list[bytes] | None:
        """The consistency proof between two sizes; ``None`` unless old <= new <= ours."""
        raise NotImplementedError

    def map_proof(self, subject: str) -> dict[str, Any]:
        """What the subject map says of a subject: ``{"subject", "checkpoint", "tail", "map"}`` as JSON values.

        ``tail`` is the seal with its inclusion proof, ``map`` as in a history (format.md §7).
        """
        raise NotImplementedError

    def items(
        self,
        *,
        text: str | None = None,
        category: str | None = None,
        state: str | None = None,
        party: str | None = None,
        held: bool | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Item], str | None]:
        """Items, newest registration first, and the cursor of the next page (``None`` at the end).

        ``party`` finds items that the party registered or wrote about; ``since`` and ``until`` bound the time of
        registration (``recorded_at`` form, until exclusive). Stable while others write. Raises ``Invalid`` for a
        cursor out of form.
        """
        raise NotImplementedError
