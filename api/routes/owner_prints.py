"""Owner codes in print: only for whoever drew them, and each print is counted.

The service keeps no owner code, so it can print one only while somebody brings it. It is printed for the party that
drew it, on a sheet of its own; the first print is the one that the customer takes home, and each later one says which
copy it is and when the first was made.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from api.paper.slips import Desk, Owner
from api.site import caller_of, site_of
from ledger import holderkey
from ledger.errors import Forbidden, Invalid, Malformed

_REFUSED = "want the owner code of this item, drawn by your party"


def parse(text: str, pointer: str) -> bytes:
    """The secret of an owner code in either form; raises ``Invalid``."""
    try:
        return holderkey.parse_owner_code(text)
    except Malformed as error:
        raise Invalid(error.message, pointer) from None


async def check_drawn(request: Request, subject: str, secret: bytes, pointer: str) -> str:
    """The id of the code that an owner code was drawn with; raises ``Forbidden`` unless it is this item's and ours."""
    site = site_of(request)
    code = await site.code(holderkey.view_token(secret))
    if code is None or code.party != caller_of(request).party:
        raise Forbidden(_REFUSED, pointer)
    keys = await site.read(site.ledger.codes.keys_of, code.id)
    if keys.get(subject) != holderkey.holder_key(secret, subject).did:
        raise Forbidden(_REFUSED, pointer)
    return code.id


async def counted(request: Request, secrets: Mapping[str, bytes], desk: Desk) -> list[Owner]:
    """The owner codes of these items as they are to be printed, each print counted."""
    site = site_of(request)
    ids = [await check_drawn(request, subject, secret, "") for subject, secret in secrets.items()]
    prints = await site.read(site.ledger.papers.count_prints, ids)
    owners = []
    for (subject, secret), (number, first_at) in zip(secrets.items(), prints, strict=True):
        state = await site.read(site.ledger.reader.state, subject)
        name = state.name if state is not None and state.name else desk.words.text["unnamed"]
        owners.append(Owner(name, secret, number, desk.words.moment(first_at)))
    return owners
