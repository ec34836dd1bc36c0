"""How the ledger is, for auditors and operators: what its newest checkpoint says, and how the service looks after it.

``rehash`` is what the service says of its own walk over every leaf (``api.jobs``), since this process began. It is the
word of whoever is to be audited: an auditor runs ``patina audit``, or lets her browser hash the tiles.
"""

from __future__ import annotations

import shutil
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.rights import ADMIN
from api.routes.statements import JSON
from api.site import caller_of, site_of
from ledger import cosignature, note
from ledger.errors import Malformed
from ledger.times import format_recorded

_encode = msgspec.json.encode
SECOND = 1_000_000


async def get_health(request: Request) -> Response:
    """The newest checkpoint, who signed it, how far the service's own re-hash is; the disk for the operator alone.

    ``recorded_at`` is when the newest entry was recorded and ``now`` the service's clock: their difference is how far
    the checkpoint lags behind. ``witnesses`` are signatures by other keys than the ledger's, as yet unverified.
    """
    site, caller = site_of(request), caller_of(request)
    head = await site.read(site.ledger.reader.head)
    keys = await site.read(site.ledger.reader.ledger_keys)
    vkeys = [note.parse_vkey(one.vkey) for one in keys]
    own = {(one.name, one.key_id) for one in vkeys}
    document: dict[str, Any] = {
        "origin": site.ledger.origin,
        "size": head.size,
        "root": head.root.hex(),
        "recorded_at": head.recorded_at,
        "now": format_recorded(site.clock()),
        "statements": head.statements,
        "subjects": head.subjects,
        "refusal": site.why_not_signing(),
        "witnesses": [
            _witness(one) for one in note.parse_note(head.note).signatures if (one.name, one.key_id) not in own
        ],
        "rehash": site.rehashing.described(),
    }
    if caller.may(ADMIN):
        total, used, free = shutil.disk_usage(site.settings.directory)
        document["disk"] = {"total": total, "used": used, "free": free}
    return Response(_encode(document), media_type=JSON)


def _witness(signature: note.NoteSignature) -> dict[str, str | None]:
    """A signature line's name and, if it is a cosignature, when the witness says it signed."""
    try:
        seconds, _ = cosignature.parse_cosignature(signature.signature)
    except Malformed:
        return {"name": signature.name, "at": None}
    return {"name": signature.name, "at": format_recorded(seconds * SECOND)}
