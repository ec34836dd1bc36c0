r"""The ledger on one page: what is signed, what is hashed, and what a proof is. docs/format.md is the whole of it.

A *statement* is what a party says happened, as canonical JSON (RFC 8785 of a restricted JSON), signed with Ed25519
over the DSSE encoding of its bytes. It stands in the log as an *entry*, with its index, the hash of the leaf before
it, and a link to the entry before it of each of its *subjects*. This is entry 0 of the published vectors; it says who
keeps the ledger and under which key:

>>> entry = (
...     b'{"index":0,"links":[{"prev":null,"seq":0,"subject":"urn:uuid:036f41a7-7c5b-733e-8148-369f2117b94d"}],'
...     b'"prev":"0000000000000000000000000000000000000000000000000000000000000000",'
...     b'"recorded_at":"2026-11-28T00:00:00.000Z",'
...     b'"signatures":[{"key":"did:key:z6MknUoH8uq2tkvfHxAz8QLLPAjJ4D5f56cEfEhHxU1TRFX2",'
...     b'"sig":"U3tvAAQ4Yz7jGCfemmc8NDmg/Fkrw85MiYBu5HuRLkxc57wqCwPLR6J9QoTorQIJtP8WEtF3Zd0cVLj5SaTZDw=="}],'
...     b'"statement":{"details":{"key":"did:key:z6MknUoH8uq2tkvfHxAz8QLLPAjJ4D5f56cEfEhHxU1TRFX2",'
...     b'"name":"Example ledger","origin":"ledger.example/main",'
...     b'"vkey":"ledger.example/main+310fc300+ATYIHWra3XZDs2RkTskWggyOhtoXhsNWjrfxX01WDEl2"},'
...     b'"id":"urn:uuid:6aeaa55c-7605-7729-81fd-30c28c9c3535","occurred_at":"2026-11-01T10:00:00+08:00",'
...     b'"party":"urn:uuid:2b56cfc4-f2fa-7663-8c44-ee70068cae3f",'
...     b'"subjects":["urn:uuid:036f41a7-7c5b-733e-8148-369f2117b94d"],"type":"ledger.created"},"v":1}'
... )
>>> from ledger.leaf import parse_leaf, statement_bytes
>>> said = parse_leaf(entry)
>>> said.statement.type, said.statement.details["name"]
('ledger.created', 'Example ledger')

Parsing is strict: the bytes are what encoding their value again gives, and nothing else parses. Whoever has the party's
key can check who said it:

>>> from ledger.dsse import check_signature
>>> for signature in said.signatures:
...     check_signature(signature.key, statement_bytes(said.statement), signature.sig)

A *seal* holds the root of the *subject map*: for each subject, how many entries it has and which is the last. This is
leaf 1, after which the ledger's own subject has one entry, at index 0. What the map says cannot be held back:

>>> seal = (
...     b'{"index":1,"map_root":"e0019670a16f74c127c3e79001dbd152a8975ec7c1123e40ceed2b44c98efce1",'
...     b'"prev":"58dc57790af119c85e777b1501e50104f0eac5b240998008b45405032d6f1f4d",'
...     b'"recorded_at":"2026-11-28T00:00:00.000Z","v":1}'
... )
>>> from ledger.submap import key_of, lone
>>> lone(key_of(said.statement.subjects[0]), 1, 0).hex() == parse_leaf(seal).map_root
True

The log is the Merkle tree of RFC 6962 over the leaves, and each leaf names the hash of the one before it:

>>> from ledger.merkle import check_inclusion, leaf_hash, root_from
>>> leaf_hash(entry).hex() == parse_leaf(seal).prev
True
>>> root = root_from([leaf_hash(entry), leaf_hash(seal)])

Its head is a *checkpoint*, signed by the ledger's key (C2SP tlog-checkpoint); its last leaf is always a seal. Whoever
has pinned the key needs nothing else of the server:

>>> from ledger.checkpoint import check_checkpoint
>>> from ledger.note import parse_vkey
>>> checkpoint = check_checkpoint(
...     "ledger.example/main\n2\naH8c5MEyRKSJKy7Gh5xgWpRukE1hBOuwbpfuP72iNkk=\n\n"
...     "— ledger.example/main "
...     "MQ/DAMOzSuZIqJuaNwKRw7t2Zk5nup9Co65zYqushp3jSfGQiIZvuYH0FriUHtwlyccF7qAyZL+9j2R71UPcGiu8YgI=\n",
...     [parse_vkey("ledger.example/main+310fc300+ATYIHWra3XZDs2RkTskWggyOhtoXhsNWjrfxX01WDEl2")],
...     "ledger.example/main",
... )
>>> checkpoint.size, checkpoint.root == root
(2, True)

A *receipt* proves one entry: an inclusion proof from its leaf hash to such a root. A *history* proves everything about
one subject: its last entry is in the root, the chain leads back to its first, and the map says how many there are.

>>> check_inclusion(0, 2, leaf_hash(entry), [leaf_hash(seal)], checkpoint.root)
>>> check_inclusion(0, 2, leaf_hash(entry.replace(b"Example", b"Exemplar")), [leaf_hash(seal)], checkpoint.root)
Traceback (most recent call last):
ledger.errors.Disproved: ...

This package is words only; each file says what it is for, and pyproject.toml lists them from the lowest up. Nothing in
it reads a clock, a file or the network (but `command` and `db`, which stand outside the core).
"""
