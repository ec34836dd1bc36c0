"""What this service refuses although the ledger's rules let it stand: slips that nobody could take back.

The rules of format.md say what may stand in any ledger; these say what this appender lets in, under the append lock and
by the same table of parties, whoever sends it. A verifier knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger import times
from ledger.errors import Refused
from ledger.leaf import LATENESS, Statement
from ledger.party import Parties


def refuse_slip(statement: Statement, parties: Parties, recorded_at: str, has_key: Callable[[str], bool]) -> None:
    """Raise ``Refused`` for a statement about keys that would leave the ledger or its readers worse off for good.

    ``has_key`` says whether this service has the private key of a vkey.
    """
    if statement.type == "ledger.key_added" and not has_key(statement.details["vkey"]):
        raise Refused("the ledger does not have the private key of this vkey", "/details/vkey")
    if statement.type == "key.revoked":
        _refuse_revocation(statement, parties, recorded_at)


def _refuse_revocation(statement: Statement, parties: Parties, recorded_at: str) -> None:
    if parties.parties[parties.operator].keys == [statement.details["key"]]:
        raise Refused(
            "this is the operator's last key, and without one nobody could ever add another: add the next one first",
            "/details/key",
            ("key.added",),
        )
    since = statement.details.get("since")
    if since is not None and times.parse_occurred(since) > times.parse_recorded(recorded_at) + LATENESS:
        raise Refused("got a since in the future, want when the key was last known to be safe", "/details/since")
