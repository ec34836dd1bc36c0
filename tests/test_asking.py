"""A holder's asking to read: its form, what its signature covers, and each reason to refuse it."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from typing import Any

import pytest

from ledger import canonical, times
from ledger.asking import GOOD_FOR, PAYLOAD_TYPE, Asking, check_asking, message, parse_asking, sign_asking
from ledger.dsse import check_message, check_signature, pae, sign_statement
from ledger.errors import Forbidden, Invalid
from ledger.holding import Grant, Held, Holding
from tests.build import key

NOW = times.parse_recorded("2026-11-25T10:00:00.000Z")
ITEM = "https://id.gs1.org/01/09520123456788/21/R%2F001"
PHONE, PAPER = key("phone"), key("paper")
ASKING = Asking("ab" * 32, ITEM, "cd" * 32, "2026-11-25T10:00:00Z")
HELD = Held(Holding((Grant(PAPER.did, "receipt", "ce" * 32), Grant(PHONE.did, "device", "cd" * 32))))
SENT = sign_asking(ASKING, PHONE)


def check(sent: dict[str, Any], held: Held = HELD, now: int = NOW, subject: str = ITEM) -> None:
    check_asking(parse_asking(sent), ledger="ab" * 32, subject=subject, held=held, now=now)


def asked_at(microseconds: int) -> dict[str, Any]:
    return sign_asking(replace(ASKING, at=times.format_recorded(microseconds)), PHONE)


def test_the_present_holder_is_let_in_within_five_minutes() -> None:
    check(SENT)
    for off in (GOOD_FOR, -GOOD_FOR):
        check(asked_at(NOW + off))


def test_no_statement_is_an_asking_and_no_asking_a_statement() -> None:
    body = canonical.encode(asdict(ASKING))
    assert message(ASKING) == b"DSSEv1 38 " + PAYLOAD_TYPE.encode() + b" %d " % len(body) + body
    with pytest.raises(Invalid):
        check_signature(PHONE.did, body, SENT["signature"]["sig"])
    as_statement = sign_statement(body, PHONE)
    check_message(PHONE.did, pae(body), as_statement["sig"])
    refuse({**SENT, "signature": as_statement}, "/signature/sig")


def refuse(sent: dict[str, Any], pointer: str, held: Held = HELD, now: int = NOW, subject: str = ITEM) -> None:
    with pytest.raises(Forbidden) as refused:
        check(sent, held, now, subject)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("name", ["ledger", "subject", "grant", "at"])
def test_the_signature_covers_every_member(name: str) -> None:
    """What else is compared is made to fit, so that only the signature can refuse it."""
    other = {"ledger": "ac" * 32, "subject": ITEM + "2", "grant": "ce" * 32, "at": "2026-11-25T10:00:01Z"}
    sent = copy.deepcopy(SENT)
    sent["asked"][name] = other[name]
    signed = parse_asking(sent)
    held = Held(Holding((Grant(PHONE.did, "device", signed.asking.grant),)))
    with pytest.raises(Forbidden) as refused:
        check_asking(signed, ledger=signed.asking.ledger, subject=signed.asking.subject, held=held, now=NOW)
    assert refused.value.pointer == "/signature/sig"


def test_who_is_refused() -> None:
    refuse(sign_asking(replace(ASKING, ledger="ac" * 32), PHONE), "/asked/ledger")
    refuse(SENT, "/asked/subject", subject=ITEM + "2")
    for off in (GOOD_FOR + 1000, -GOOD_FOR - 1000):
        refuse(asked_at(NOW + off), "/asked/at")
    refuse(sign_asking(replace(ASKING, grant="ce" * 32), PAPER), "/asked/grant")
    refuse(SENT, "/asked/grant", Held())
    assert HELD.holding is not None
    refuse(SENT, "/asked/grant", Held(Holding(HELD.holding.grants, released=True)))
    refuse(sign_asking(ASKING, PAPER), "/signature/key")
    refuse({**SENT, "signature": {"key": PHONE.did, "sig": "A" * 86 + "=="}}, "/signature/sig")
    refuse({**SENT, "signature": {"key": PHONE.did, "sig": "?"}}, "/signature/sig")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"asked": None}, "/asked"),
        ({"asked": {}}, "/asked"),
        ({"asked": {**SENT["asked"], "case": "x"}}, "/asked"),
        ({"asked": {**SENT["asked"], "at": 5}}, "/asked/at"),
        ({"asked": {**SENT["asked"], "at": "now"}}, "/asked/at"),
        ({"asked": {**SENT["asked"], "ledger": "AB" * 32}}, "/asked/ledger"),
        ({"asked": {**SENT["asked"], "grant": "cd"}}, "/asked/grant"),
        ({"asked": {**SENT["asked"], "subject": "ring"}}, "/asked/subject"),
        ({"asked": {**SENT["asked"], "subject": "x" * 301}}, "/asked/subject"),
        ({"signature": None}, "/signature"),
        ({"signature": {"key": PHONE.did}}, "/signature"),
        ({"signatures": []}, "/signatures"),
    ],
)
def test_what_is_out_of_form_is_refused_with_its_place(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_asking({**SENT, **change})
    assert refused.value.pointer == pointer
