"""The founding of a ledger: entry 0, which names its key and its operator, and the first seal (format.md §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ledger import leaf, merkle, note, party, submap, times
from ledger import state as states
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.db import tables
from ledger.db.access import party_identity
from ledger.db.draft import Draft
from ledger.db.guard import Released
from ledger.db.keys import identity, signer_of
from ledger.db.secret import KeyKeeper
from ledger.db.session import Insert, Session
from ledger.db.tree import EMPTY, Growth
from ledger.db.views import uuid_bytes
from ledger.dsse import SigningKey, sign_statement
from ledger.errors import PatinaError
from ledger.forms import ZERO_HASH
from ledger.leaf import Entry, Link, Seal, Signature, Statement
from ledger.party import Parties
from ledger.state import State
from ledger.top import bucket_of

if TYPE_CHECKING:
    from ledger.db.append import Writer


@dataclass(frozen=True, slots=True)
class Founding:
    """The statement of entry 0, its signature, and the seeds of the log's and the operator's first key."""

    statement: Statement
    signature: Signature
    log_seed: bytes
    operator_seed: bytes

    @property
    def vkey(self) -> str:
        """The ledger's first vkey."""
        return str(self.statement.details["vkey"])


def make_founding(origin: str, name: str, now: int, rand: Callable[[int], bytes]) -> Founding:
    """A founding with new keys and ids; raises ``Malformed`` for an origin that is no name of a note key."""
    log_seed, operator_seed = rand(32), rand(32)
    operator = SigningKey.from_seed(operator_seed)
    statement = Statement(
        id=new_urn(rand),
        type="ledger.created",
        subjects=(new_urn(rand),),
        party=new_urn(rand),
        occurred_at=times.format_recorded(now),
        details={
            "origin": origin,
            "name": name,
            "vkey": note.format_vkey(origin, SigningKey.from_seed(log_seed).public),
            "key": operator.did,
        },
    )
    leaf.check_details(statement)
    signature = Signature(**sign_statement(leaf.statement_bytes(statement), operator))
    return Founding(statement, signature, log_seed, operator_seed)


def write_founding(connection: Session, founding: Founding, now: int, master: KeyKeeper, map_bits: int) -> Released:
    """Write the first commit in an open write transaction, and commit it; the checkpoint that may be released."""
    at, statement = times.format_recorded(now), founding.statement
    subject = statement.subjects[0]
    entry = Entry(0, ZERO_HASH, at, (Link(subject, 0, None),), statement, (founding.signature,), 1)
    raw = leaf.format_entry(entry)
    first = merkle.leaf_hash(raw)
    origin = party.start(entry, first.hex()).origin
    key = submap.key_of(subject)
    record = submap.format_record(key, 1, 0)
    node = submap.lone(key, 1, 0)
    seal = leaf.format_seal(Seal(1, first.hex(), at, submap.root_of([record]).hex(), 1))
    last = merkle.leaf_hash(seal)
    edge = Growth(EMPTY, [first, last]).edge
    signed = sign_checkpoint(Checkpoint(origin, 2, edge.root), [signer_of(founding.vkey, founding.log_seed)])
    state = State(kind="ledger", first_at=at, last_at=at, signers=(statement.party,))
    did = founding.signature.key
    wrapped = master.wrap(founding.log_seed, identity(founding.vkey))
    custody = master.wrap(founding.operator_seed, party_identity(did))
    inserts: list[tuple[Any, tuple[Any, ...]]] = [
        (tables.leaf, (0, raw)),
        (tables.leaf, (1, seal)),
        (tables.statement, (uuid_bytes(statement.id), 0)),
        (tables.subject, (key, 0, 1, 0, first)),
        (tables.subject_state, (0, 0, states.dump(state))),
        (tables.link, (0, 0, 0)),
        (tables.map_bucket, (bucket_of(key, map_bits), 1, node)),
        (tables.authority, (0,)),
        (tables.checkpoint, (2, signed)),
        (tables.head, (1, 2, edge.root, edge.dump(), last, at, signed, map_bits, 1, 1)),
        (tables.ledger_key, (founding.vkey, wrapped, at)),
        (tables.party_key, (did, statement.party, custody, at)),
    ]
    connection.write([Insert(table, [row]) for table, row in inserts])
    connection.commit()
    return Released(2, edge.root, signed)


def register_operator(writer: Writer, parties: Parties, key: SigningKey, statement: tuple[str, str, str]) -> None:
    """Append the operator's own ``party.registered``, so that pages can name it: its id, its time and the name."""
    statement_id, at, name = statement
    said = Statement(
        id=statement_id,
        type="party.registered",
        subjects=(f"{parties.operator}#authority",),
        party=parties.operator,
        occurred_at=at,
        details={"name": name, "roles": ["operator"]},
        ledger=parties.ledger,
    )
    leaf.check_details(said)
    body = leaf.statement_bytes(said)
    signature = Signature(**sign_statement(body, key))
    outcome = writer.append([[Draft(said, body, (signature,), verified=True)]])[0][0]
    if isinstance(outcome, PatinaError):
        raise outcome


def new_urn(rand: Callable[[int], bytes]) -> str:
    """A random ``urn:uuid:``."""
    return UUID(bytes=rand(16), version=4).urn
