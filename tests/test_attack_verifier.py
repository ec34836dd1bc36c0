"""Ledgers, bundles and pages that somebody built to get past an audit or a reader, or to stop one halfway."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from ledger.errors import Unknown
from ledger.note import Signer, format_vkey, parse_vkey
from ledger.uri import authority_of
from tests.build import Build, key, ring, uuid
from tests.listed import Listed, audited, listed
from tests.test_attack_core import LEDGER, NOW, RESET, SOLD, refused, setting, unknown_then
from tests.test_audit_checks import WORK, made
from tests.test_audit_unknown import P256, by_p256
from verifier import fetch
from verifier.audit import Options, audit
from verifier.memory import Memory
from verifier.reader import Reader, verify
from verifier.scan import check_address

# The audit says what append and history say.


def test_a_statement_is_not_about_itself() -> None:
    for kind, party, details in (
        ("statement.disputed", "shop", {"disputes": "", "reason": "not_so"}),
        ("data.erased", "operator", {"statements": [], "why": "request"}),
    ):
        built = made()
        own = uuid(f"{built.name} statement {built.size}")
        named = {"disputes": own} if "disputes" in details else {"statements": [own]}
        index = built.say(kind, party, ring(1), {**details, **named})
        built.seal()
        assert [(one.check, one.index) for one in audited(built).findings] == [("state", index)]


@pytest.mark.parametrize("value", ["x", [], key("new").did])
def test_a_strange_member_called_holder_key_ends_no_audit(value: object) -> None:
    built = made()
    built.say("maintenance.performed", "shop", ring(1), {**WORK, "holder_key": value})
    built.say("standard.adopted", "shop", uuid("shop"), {"standard": "s", "version": "1", "holder_key": value})
    built.seal()
    assert [(one.check, one.disproved) for one in audited(built).findings] == [("details", False)]


def test_an_audit_disproves_nothing_that_rests_on_something_unknown() -> None:
    reset = audited(unknown_then(SOLD, ("item.holder_reset", "shop", RESET)))
    assert [(one.check, one.disproved) for one in reset.findings] == [("type", False), ("authority", False)]
    late = unknown_then(("item.praised", "shop", {}))
    late.say("maintenance.performed", "shop", ring(1), WORK, occurred_at="2026-02-01T00:00:00Z")
    late.seal()
    assert [(one.check, one.disproved) for one in audited(late).findings] == [("type", False), ("state", True)]
    keys = made()
    vkey = format_vkey(keys.origin, key("other").public, 4)
    keys.say("ledger.key_added", "operator", LEDGER, {"vkey": vkey})
    keys.say("ledger.key_retired", "operator", LEDGER, {"vkey": vkey})
    keys.seal()
    assert [(one.check, one.disproved) for one in audited(keys).findings] == [("state", False)]


def _sold_to_p256(ledger: Build, item: str, *keys: str, party: str = "shop") -> int:
    details = {"channel": "store", "holder_key": P256, "holder_custody": "device"}
    return ledger.say("item.sold", party, item, details, keys=[*keys] or None)


def _added_p256(ledger: Build, *keys: str) -> int:
    details = {"key": P256, "custody": "self"}
    return ledger.say("key.added", "shop", authority_of(uuid("shop")), details, keys=[*keys, "x"], change=by_p256)


OF_P256: dict[str, tuple[str, Callable[[Build], int]]] = {
    "a sale that a stranger signs": ("authority", lambda ledger: _sold_to_p256(ledger, ring(2), "stranger")),
    "a sale by a party without the role": ("authority", lambda ledger: _sold_to_p256(ledger, ring(2), party="lab")),
    "a sale of what is held": ("state", lambda ledger: _sold_to_p256(ledger, ring(1))),
    "a key that a stranger adds": ("authority", lambda ledger: _added_p256(ledger, "stranger")),
    "a key that another party adds": ("authority", lambda ledger: _added_p256(ledger, "lab")),
}


@pytest.mark.parametrize("name", OF_P256)
def test_what_does_not_rest_on_the_type_of_a_key_that_is_named_is_disproved(name: str) -> None:
    check, spoil = OF_P256[name]
    ledger = made()
    ledger.item(ring(2))
    index = spoil(ledger)
    ledger.seal()
    found = audited(ledger).findings
    assert [(one.check, one.index) for one in found if one.disproved] == [(check, index)]
    item = ring(1) if check == "state" else ring(2)
    # The shop's authority stands in the history of every item of its own.
    assert refused(ledger, item) == 8


def test_a_right_sale_to_a_key_of_an_unknown_type_rests_on_that_alone() -> None:
    ledger = made()
    ledger.item(ring(2))
    _sold_to_p256(ledger, ring(2))
    _added_p256(ledger, "shop")
    ledger.seal()
    assert [(one.check, one.disproved) for one in audited(ledger).findings] == [("type", False), ("signature", False)]


def test_a_version_does_not_fall_among_later_ones() -> None:
    built = made()
    built.seal(setting("v", 3))
    index = built.seal(setting("v", 2))
    assert [(one.check, one.index) for one in audited(built).findings if one.disproved] == [("version", index)]


def test_an_audit_too_wants_a_key_in_force() -> None:
    built = made()
    other = format_vkey(built.origin, key("other").public)
    pinned = parse_vkey(built.vkey), parse_vkey(other)
    assert audit(listed(built), Options(pinned)).outcome == "proven"
    built.signers = [Signer(pinned[1], key("other").sign)]
    assert [one.check for one in audit(listed(built), Options(pinned)).findings] == ["vkey"]


@pytest.mark.parametrize("size", [2**40, 2**62, 2**63 - 1])
def test_a_checkpoint_of_any_size_is_only_a_claim(size: int) -> None:
    built = made()
    claimed = Listed(built.leaves, built.note(size, bytes(32)))
    assert audit(claimed, Options((parse_vkey(built.vkey),))).outcome != "proven"


# A reader's own mistakes, and what a site says, accuse nobody; a forgery is one whoever is asked about it.


def _reader(built: Build, **more: Any) -> Reader:
    return Reader((parse_vkey(built.vkey),), NOW, Memory(None), subject=ring(1), **more)


def test_a_mistyped_owner_code_disproves_nothing() -> None:
    built = made()
    bundle = json.dumps(built.history(ring(1))).encode()
    assert verify(bundle, "x", _reader(built, owner_code="mistyped")).outcome == "could not tell"


def test_a_forged_checkpoint_is_refused_before_its_log_is_asked() -> None:
    built = made()
    reader = _reader(built, log=listed(built))
    bundle = built.history(ring(1))
    assert verify(json.dumps(bundle).encode(), "x", reader).outcome == "proven"
    bundle["checkpoint"] = bundle["checkpoint"].replace(f"\n{built.size}\n", "\n999999999999999999\n")
    assert [one.check for one in verify(json.dumps(bundle).encode(), "x", reader).findings] == [1]


@pytest.mark.parametrize("history", ["http://[", "//[x", "/\u00e9"])
def test_a_page_that_names_no_address_could_not_be_told(history: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built = made()
    site = ThreadingHTTPServer(("127.0.0.1", 0), _page_of(history))
    Thread(target=site.serve_forever, daemon=True).start()
    monkeypatch.setattr(fetch, "PAUSE", 0)
    with pytest.raises(Unknown):
        check_address(f"http://127.0.0.1:{site.server_port}/i/x", _reader(built))
    site.shutdown()
    site.server_close()


def _page_of(history: str) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"id": "x", "history": history}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Page
