"""The drafts of a signing key's life: for the command line and for HTTP alike, which only append them.

    next     a key beside those in force            key.added, signed by a key in force and by the new one
    vouched  a key made elsewhere, on a tablet      key.added, signed by a key in force and by the new one
    rotate   the next key, and the end of another   key.added and key.revoked, both or neither
    revoke   retired, lost, or compromised since    key.revoked

A key is in custody (the service keeps it and signs for the party) or the party's own. Where one of the keys is in
custody the service adds its signature; where both are the party's own, the party signs all of it and needs nothing from
here. A key made for custody is committed in the same transaction as the statement that adds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import didkey, dsse, leaf, times, uri
from ledger.db.draft import Draft, Row
from ledger.db.ledger import Ledger
from ledger.dsse import SigningKey
from ledger.errors import Invalid, Refused
from ledger.leaf import Signature, Statement

REASONS = ("retired", "lost", "compromised")


@dataclass(frozen=True, slots=True)
class Clerk:
    """Makes drafts of one moment; ``new_id(now)`` gives a fresh id."""

    ledger: Ledger
    now: int
    new_id: Callable[[int], str]

    def next_key(self, party: str) -> tuple[str, list[Draft]]:
        """A further key in custody: its did and the draft that adds it. The operator says it for a party without keys.

        Raises ``Refused`` unless a key that may say so is in custody.
        """
        speaker, signer = self._speaker(party)
        new, row = self.ledger.access.draft_party_key(party)
        details = {"key": new.did, "custody": "ledger"}
        return new.did, [self._said("key.added", speaker, party, details, by=[signer, new], rows=(row,))]

    def rotation(self, party: str) -> tuple[str, str, list[Draft]]:
        """The next key in custody, the one that it follows, and the drafts; the old one says its own end."""
        old = self._own_signer(party)
        did, drafts = self.next_key(party)
        return did, old.did, [*drafts, self._retirement(party, old.did, old)]

    def offer(self, party: str, did: str | None) -> dict[str, Any]:
        """The ``key.added`` that the party must sign, as JSON, to move to a key of its own (``did``) or into custody.

        For custody the new key is kept from now on: it speaks for nobody before the ledger names it. One that was
        offered before and never named is offered again.
        """
        if did is not None:
            didkey.parse_did(did)
            return self._value("key.added", party, party, {"key": did, "custody": "self"})
        known = self.ledger.reader.parties().keys
        waiting = [key.did for key in self.ledger.access.party_keys(party) if key.did not in known]
        if not waiting:
            new, row = self.ledger.access.draft_party_key(party)
            self.ledger.access.keep_row(row)
            waiting = [new.did]
        return self._value("key.added", party, party, {"key": waiting[-1], "custody": "ledger"})

    def handed_over(self, statement: Statement, signatures: Sequence[Signature]) -> tuple[list[str], list[Draft]]:
        """Which keys end, and the drafts, for a ``key.added`` that came back signed by whoever keeps the other key.

        The keys that vouched for the new one end with it: the old hands over to the new. Raises ``Invalid`` for another
        statement and ``Refused`` where no key of the two is in custody.
        """
        party = uri.party_of(statement.subjects[0])
        if statement.type != "key.added" or statement.party != party:
            raise Invalid("want a key.added by the party itself", "/statement/type")
        access, new = self.ledger.access, str(statement.details["key"])
        kept, taken = access.party_signer(party), access.kept_signer(new)
        if kept is None and taken is None:
            raise Refused("neither key is in custody: post the key.added and key.revoked that the party signed itself")
        body = leaf.statement_bytes(statement)
        signed = {one.key: one for one in signatures}
        for key in (kept, taken):
            if key is not None and (key is taken or not signed.keys() - {new}):
                signed.setdefault(key.did, _signature(body, key))
        old = [one for one in signed if one != new]
        added = Draft(statement, body, tuple(signed[did] for did in (*old, new) if did in signed))
        last = taken if taken is not None else kept
        assert last is not None, "one of the two is in custody"
        return old, [added, *(self._retirement(party, did, last) for did in old)]

    def vouched(self, added: Statement, signature: Signature) -> Draft:
        """The ``key.added`` of a key that signed it elsewhere, with the signature of the party's key before that.

        Raises ``Refused`` unless a key of the party is in custody.
        """
        body = leaf.statement_bytes(added)
        vouching = _signature(body, self._own_signer(added.party))
        return Draft(added, body, (vouching, signature))

    def revocation(self, speaker: str, did: str, reason: str, since: str | None) -> Draft:
        """The end of a key, said by its party or the operator, whose key must be in custody.

        Raises ``Invalid`` for a compromise without a time: nothing that the key said would be marked.
        """
        known = self.ledger.reader.parties().keys.get(did)
        if known is None:
            raise Refused("got a key that was never a party's", "/key")
        if reason == "compromised" and since is None:
            raise Invalid("want since when: what the key said from then on is marked as doubtful", "/since")
        details = {"key": did, "reason": reason, **({} if since is None else {"since": since})}
        return self._said("key.revoked", speaker, known.party, details, by=[self._own_signer(speaker)])

    def suspension(self, party: str, reason: str, *, ends: bool) -> Draft:
        """The suspension of a party, or its end, said by the operator."""
        kind = "party.reinstated" if ends else "party.suspended"
        operator = self.ledger.operator
        return self._said(kind, operator, party, {"reason": reason}, by=[self._own_signer(operator)])

    def ledger_key(self, kind: str, vkey: str, reason: str | None) -> Draft:
        """``ledger.key_added`` or ``ledger.key_retired``, said by the operator."""
        operator, details = self.ledger.operator, {"vkey": vkey, **({} if reason is None else {"reason": reason})}
        value = self._value(kind, operator, operator, details)
        value["subjects"] = [self.ledger.view.parties.ledger_subject]
        return _draft(value, [self._own_signer(operator)])

    def _speaker(self, party: str) -> tuple[str, SigningKey]:
        found = self.ledger.reader.parties().parties.get(party)
        speaker = party if found is not None and found.keys else self.ledger.operator
        return speaker, self._own_signer(speaker)

    def _own_signer(self, party: str) -> SigningKey:
        signer = self.ledger.access.party_signer(party)
        if signer is None:
            raise Refused("no key in force of who must say this is in custody: it signs the statement itself")
        return signer

    def _retirement(self, party: str, did: str, signer: SigningKey) -> Draft:
        return self._said("key.revoked", party, party, {"key": did, "reason": "retired"}, by=[signer])

    def _said(
        self,
        kind: str,
        speaker: str,
        party: str,
        details: dict[str, Any],
        *,
        by: Sequence[SigningKey],
        rows: tuple[Row, ...] = (),
    ) -> Draft:
        return _draft(self._value(kind, speaker, party, details), by, rows)

    def _value(self, kind: str, speaker: str, party: str, details: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.new_id(self.now),
            "type": kind,
            "ledger": self.ledger.id,
            "subjects": [uri.authority_of(party)],
            "party": speaker,
            "occurred_at": times.format_recorded(self.now),
            "details": details,
        }


def _draft(value: dict[str, Any], signers: Sequence[SigningKey], rows: tuple[Row, ...] = ()) -> Draft:
    statement = leaf.statement_from(value)
    try:
        leaf.check_details(statement)
    except Invalid as error:
        raise Invalid(error.message, error.pointer.removeprefix("/details")) from None
    body = leaf.statement_bytes(statement)
    return Draft(statement, body, tuple(_signature(body, key) for key in signers), rows, verified=True)


def _signature(body: bytes, key: SigningKey) -> Signature:
    return Signature(**dsse.sign_statement(body, key))
