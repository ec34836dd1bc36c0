"""A whole ledger computed again from nothing but its leaves, by the recursions of format.md: slow and plain.

``Recomputed`` reads leaves as JSON and keeps dictionaries; nothing of the program is imported.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from tests.reference import merkle, submap


class Recomputed:
    """What the leaves say: chain, links, ids and seals are asserted on the way, and the tables follow from them."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.hashes = [sha256(b"\0" + raw).digest() for raw in leaves]
        self.statements: dict[str, int] = {}
        self.chains: dict[str, list[int]] = {}
        self.map: submap.Map = {}
        recorded = ""
        for index, raw in enumerate(leaves):
            leaf = json.loads(raw)
            assert json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == raw
            assert leaf["index"] == index
            assert leaf["prev"] == (self.hashes[index - 1].hex() if index else "0" * 64)
            assert leaf["recorded_at"] >= recorded
            recorded = leaf["recorded_at"]
            if "map_root" in leaf:
                assert leaf["map_root"] == submap.node(self.map).hex(), f"seal {index}"
            else:
                self._entry(index, leaf)
        assert "map_root" in json.loads(leaves[-1]), "the last leaf is a seal"
        self.root = merkle.root(leaves)

    def _entry(self, index: int, leaf: dict[str, Any]) -> None:
        statement = leaf["statement"]
        assert statement["id"] not in self.statements
        self.statements[statement["id"]] = index
        assert statement.get("ledger") == (self.hashes[0].hex() if index else None)
        assert [link["subject"] for link in leaf["links"]] == statement["subjects"]
        for link in leaf["links"]:
            chain = self.chains.setdefault(link["subject"], [])
            assert link["seq"] == len(chain)
            assert link["prev"] == (self.hashes[chain[-1]].hex() if chain else None)
            chain.append(index)
            self.map[sha256(link["subject"].encode()).digest()] = (len(chain), index)
