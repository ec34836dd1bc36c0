"""Shared tablets that sign: how a tablet's key comes into the log, what it may say, and how it goes.

A tablet makes its key itself. The key becomes one of the party's own by a ``key.added`` that the tablet signs and that
the party's key in custody vouches for; from then on every reader verifies what it signed like anything else that the
party said. To the log it is a key like any other, so this service holds it to less: it counts only from that tablet
(its cookie), beside the session of the person whose agent id the statement carries, and never for keys, parties,
standards or erasures. Whoever steals the key, or the tablet, has too little without the other and a PIN.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace
from starlette.requests import Request

from api import intake
from api.roles import ROLES
from api.signing_keys import Clerk
from api.site import Site, caller_of, site_of
from ledger import uri
from ledger.db.draft import Draft, Outcome
from ledger.db.tablet_keys import TabletKeys
from ledger.db.visits import Device
from ledger.errors import Forbidden, Invalid, PatinaError, Refused
from ledger.leaf import Signature, Statement
from ledger.state import State

ELSEWHERE = "got the signature of a shared tablet's key, which counts only from that tablet while it is enrolled"
NOBODY = "want the agent of the person who is in at this tablet"
_SAYS = ROLES["manager"].may_say


async def tablet_at(request: Request) -> Device | None:
    """The tablet that the browser is, by its cookie; ``None`` where it is none, or a revoked one."""
    site = site_of(request)
    secret = site.visiting.tablet_secret(request.scope)
    return None if secret is None else await site.read(site.ledger.access.visits.tablet, secret)


async def key_of(site: Site, tablet: Device) -> str | None:
    """The key in force of a tablet, as the log is now."""
    keys = await site.read(site.ledger.access.tablet_keys.of, tablet.id)
    if not keys:
        return None
    parties = await site.read(site.ledger.reader.parties)
    return next((did for did in keys if parties.in_force(did, tablet.party)), None)


async def checked(draft: Draft, request: Request) -> Draft:
    """The draft; raises ``Forbidden`` if a tablet's key signed what does not come from there, or more than it may."""
    if draft.verified:
        return draft  # by the service itself
    site, statement = site_of(request), draft.statement
    keys, new = site.ledger.access.tablet_keys, list[tuple[int, str]]()
    for number, signature in enumerate(draft.signatures):
        did = signature.key
        device = keys.seen[did] if did in keys.seen else await site.read(keys.tablet_of, did)
        if device is None:
            if did not in keys.seen:
                new.append((number, did))
            continue
        tablet = await tablet_at(request)
        if tablet is None or tablet.id != device:
            raise Forbidden(ELSEWHERE, f"/signatures/{number}/key")
        caller = caller_of(request)
        if caller.agent is None or statement.agent != caller.agent or caller.party != tablet.party:
            raise Forbidden(NOBODY, "/agent")
        if not _SAYS(statement.type):
            raise Forbidden(f"the key of a tablet does not say {statement.type}", "/type")
    return _while_new(draft, new, keys)


def _while_new(draft: Draft, new: Sequence[tuple[int, str]], keys: TabletKeys) -> Draft:
    """The draft, to be refused when it is appended if one of the keys that the log did not have is a tablet's by then.

    Whoever lets a tablet in has its key in her hands at that moment: a statement of it that was on its way before must
    not be taken as that of an ordinary key.
    """

    def may(_: Sequence[State | None]) -> None:
        for number, did in new:
            if keys.is_tablets(did):
                raise Forbidden(ELSEWHERE, f"/signatures/{number}/key")

    return replace(draft, may=may) if new else draft


async def addition(statement: Statement, signatures: tuple[Signature, ...], tablet: Device, site: Site) -> list[Draft]:
    """The drafts that make a key the tablet's: the ``key.added``, and the end of a key that it had and lost.

    Raises ``Invalid`` for another statement, and ``Refused`` for a party that keeps all its keys itself, or for a key
    that was in the log before and is not this tablet's now. ``Site.pairing`` is held until they are appended.
    """
    did = statement.details.get("key")
    if statement.type != "key.added" or statement.party != tablet.party:
        raise Invalid("want a key.added by the party of the tablet", "/statement/type")
    if statement.subjects != (uri.authority_of(tablet.party),):
        raise Invalid("want the authority of the tablet's party, and nothing else", "/statement/subjects")
    if statement.details != {"key": did, "custody": "self"}:
        raise Invalid("want key, and custody self: a tablet keeps its key itself", "/statement/details")
    if statement != _plain(statement):
        raise Invalid("want no more than id, ledger, time and what is asked for", "/statement")
    if [one.key for one in signatures] != [did]:
        raise Invalid("want the signature of the tablet's new key, and no other", "/signatures")
    keys, before = site.ledger.access.tablet_keys, await key_of(site, tablet)
    if before != did and did in (await site.read(site.ledger.reader.parties)).keys:
        raise Refused("got a key that was in the log before: want a new one", "/statement/details/key")
    clerk = clerk_of(site)

    def may(_: Sequence[State | None]) -> None:
        if not keys.may_have(tablet.id, before):
            raise Refused("another process has paired or revoked this tablet meanwhile: want you to try again")

    vouched = replace(clerk.vouched(statement, signatures[0]), rows=(keys.row(signatures[0].key, tablet.id),), may=may)
    if before is None or before == did:
        return [vouched]
    return [vouched, clerk.revocation(tablet.party, before, "lost", None)]


async def end_key(tablet: Device, speaker: str, site: Site) -> str | None:
    """Say that a tablet's key is lost, if it has one in force; the key.

    Raises ``Refused`` where no key of ``speaker`` is in custody, and whatever the ledger's rules refuse it for.
    """
    did = await key_of(site, tablet)
    if did is None:
        return None
    outcome = await _revoke(did, speaker, site)
    if isinstance(outcome, PatinaError) and await key_of(site, tablet) is not None:
        raise outcome
    return did


async def end_left(site: Site) -> list[str]:
    """Say that the keys of revoked tablets are lost, where they are in force still; return these keys.

    A process that died after it had revoked a tablet, or paired one that another process revoked, leaves such a key.
    Where no key in custody can say so, it stays.
    """
    ended: list[str] = []
    left = await site.read(site.ledger.access.tablet_keys.of_revoked)
    parties = await site.read(site.ledger.reader.parties)
    for did, party in left:
        if not parties.in_force(did, party):
            continue
        with suppress(Forbidden, Refused):
            if not isinstance(await _revoke(did, party, site), PatinaError):
                ended.append(did)
    return ended


async def _revoke(did: str, speaker: str, site: Site) -> Outcome:
    """Append that a key is lost; what came of it. Raises ``Refused`` where no key of ``speaker`` is in custody."""
    draft = await site.read(clerk_of(site).revocation, speaker, did, "lost", None)
    (outcome,) = await site.appender.append([draft])
    return outcome


def _plain(one: Statement) -> Statement:
    """A statement without what a party's key must not vouch for unseen: another agent, say, or private members."""
    return Statement(
        id=one.id, type=one.type, subjects=one.subjects, party=one.party, occurred_at=one.occurred_at,
        details=one.details, ledger=one.ledger,
    )  # fmt: skip


def clerk_of(site: Site) -> Clerk:
    """Makes drafts of now."""
    return Clerk(site.ledger, site.clock(), intake.new_id)
