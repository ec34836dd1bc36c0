"""The ledger's core: bytes in, values or errors out; see docs/format.md."""
