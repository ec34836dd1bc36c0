"""The rows of a subject: what the map proves of it, by its key, and its state, by its number (ADR 37).

Both name the subject's last entry, so that the state of another subject, or of another time, is not taken for its own.
The state is asked for by each row's number, and not joined: PostgreSQL may plan a join once, while a ledger is small,
and would then read every state of a large one.
"""

from __future__ import annotations

from ledger import state as states
from ledger.db.session import Row
from ledger.errors import Unavailable
from ledger.state import State

_COLUMNS = (
    'u."key", u.sid, u."count", u.last, u.last_hash, '
    "(SELECT s.state FROM subject_state s WHERE s.sid = u.sid AND s.last = u.last)"
)
SUBJECT = f'SELECT {_COLUMNS} FROM subject u WHERE u."key" = ?'  # noqa: S608 -- names of ours
SUBJECTS = f'SELECT {_COLUMNS} FROM subject u WHERE u."key" IN {{among}}'  # noqa: S608 -- names of ours
RECORDS = (
    'SELECT s."key", s."count", s."last" FROM {ranges} CROSS JOIN subject s WHERE s."key" >= r.lo AND s."key" <= r.hi'
)
"""The map's records of buckets, each a range of keys."""
NO_STATE = "a subject has no state of its last entry"


class Mismatch(Unavailable):
    """What is kept of subjects is not what the log says: the map does not prove it, or a state is not there."""


def state_in(row: Row) -> State:
    """The state in a row of ``SUBJECT``; raises ``Mismatch`` if none of its last entry is kept."""
    if row[-1] is None:
        raise Mismatch(NO_STATE)
    return states.load(row[-1])
