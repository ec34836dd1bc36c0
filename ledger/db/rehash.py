"""Reading every leaf again, a slice at a time, to notice what was changed behind the service's back.

On start only the right edge is computed again. ``Rehash`` goes through all leaves below one checkpoint: each must hash
to what stands in its tile, name the hash of the one before it, and all together must give that checkpoint's root; full
tiles of every level must be what the leaves give. Whoever finds a difference tells the writer, which then does not
sign.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from ledger import merkle
from ledger.db.connect import session
from ledger.db.session import Session, ask
from ledger.db.tree import EMPTY, Edge, FullTile, Growth, expand
from ledger.db.view import HEAD, Head

_LEAVES = "SELECT idx, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
_TILE = "SELECT hashes, root FROM tile WHERE level = ? AND n = ?"
_SLICE = 256


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is: ``done`` of ``size`` leaves; ``wrong`` says what was found, at leaf ``index`` if one is it."""

    done: int
    size: int
    wrong: str | None = None
    index: int | None = None

    @property
    def finished(self) -> bool:
        """Whether this pass is over."""
        return self.wrong is not None or self.done == self.size


class Rehash:
    """One pass over the leaves below the newest checkpoint; ``step`` until it is finished."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with session(engine) as connection:
            (row,) = connection.begin(write=False, then=[ask(HEAD)])[0]
        self._head = Head(*row)
        self._edge: Edge = EMPTY
        self._prev = "0" * 64

    def step(self, leaves: int = 4096) -> Progress:
        """Read at most about this many leaves; what was found, and how far the pass is."""
        end = min(self._head.size, self._edge.size + max(leaves, 1))
        with session(self._engine) as connection:
            while self._edge.size < end:
                wrong = self._slice(connection)
                if wrong is not None:
                    return wrong
        if self._edge.size == self._head.size and self._edge.root != self._head.root:
            return self._wrong(f"the leaves do not give the root of the checkpoint at size {self._head.size}", None)
        return Progress(self._edge.size, self._head.size)

    def _slice(self, connection: Session) -> Progress | None:
        start = self._edge.size
        stop = min(start - start % _SLICE + _SLICE, self._head.size)
        rows = connection.begin(write=False, then=[ask(_LEAVES, start, stop)])[0]
        hashes = []
        for index, (found, raw) in enumerate(rows, start):
            if found != index:
                return self._wrong(f"leaf {index} is missing", index)
            if f'"prev":"{self._prev}","recorded_at":"'.encode() not in raw:
                return self._wrong(f"leaf {index - 1} is not the one that leaf {index} names", index - 1)
            hashes.append(merkle.leaf_hash(raw))
            self._prev = hashes[-1].hex()
        if len(hashes) != stop - start:
            return self._wrong(f"leaf {start + len(hashes)} is missing", start + len(hashes))
        growth = Growth(self._edge, hashes)
        self._edge = growth.edge
        for tile in growth.tiles:
            wrong = self._compare(connection, tile)
            if wrong is not None:
                return wrong
        connection.rollback()
        return None

    def _compare(self, connection: Session, tile: FullTile) -> Progress | None:
        rows = connection.gather(ask(_TILE, tile.level, tile.n))[0]
        name = f"tile {tile.n} of level {tile.level}"
        if not rows:
            return self._wrong(f"{name} is missing", None)
        hashes, root = rows[0]
        if hashes != tile.hashes:
            if tile.level == 0:
                pairs = zip(expand(hashes.ljust(8192)[:8192])[0], expand(tile.hashes)[0], strict=True)
                index = tile.n * 256 + next(at for at, (found, want) in enumerate(pairs) if found != want)
                return self._wrong(f"leaf {index} does not hash to what stands in {name}", index)
            return self._wrong(f"{name} is not what the leaves give", None)
        return None if root == tile.root else self._wrong(f"{name} has another root than its hashes", None)

    def _wrong(self, what: str, index: int | None) -> Progress:
        return Progress(self._edge.size, self._head.size, what, index)
