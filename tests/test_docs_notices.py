"""The receiver of docs/notices.md, run as it stands, against two server processes that share the work."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.build import ring, uuid
from tests.telling import ADA, OPENED
from tests.test_cli_serve import ROOT, directory, serving
from tests.test_docs_cases import kept
from tests.test_notices_mail import Box, Listening

__all__ = ["directory"]
SECRET = "whsec_" + "A" * 43 + "="


@contextmanager
def receiving(secret: str, port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The example, running: its address, and the process, whose output is what it printed."""
    words = [sys.executable, str(ROOT / "examples" / "python" / "webhook.py"), "--port", str(port)]
    environment = os.environ | {"PATINA_WEBHOOK_SECRET": secret}
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert running.stderr is not None
        found = re.search(r"http://\S+", running.stderr.readline())
        assert found is not None
        yield found[0], running
    finally:
        running.terminate()
        running.communicate(timeout=30)


def send(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def post(url: str, key: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30) as answer:
        return json.load(answer)


def test_the_receiver_takes_what_is_genuine_and_each_of_it_once() -> None:
    with receiving(SECRET) as (url, running):
        now = int(time.time())
        body = b'{"type": "item.sold", "data": {"index": 1}}'

        def headers(message: str, at: int) -> dict[str, str]:
            signature = Webhook(SECRET).sign(message, datetime.fromtimestamp(at, UTC), body.decode())
            return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": f"v1,AAAA {signature}"}

        assert send(url, body, headers("one", now)) == 204
        assert send(url, body, headers("one", now)) == 204
        assert send(url, body, headers("two", now)) == 204
        assert send(url, body, headers("old", now - 301)) == 401
        assert send(url, body + b" ", headers("other body", now)) == 401
        assert send(url, body, headers("one", now) | {"webhook-id": "other"}) == 401
        assert send(url, body, headers("one", now) | {"webhook-signature": "v1,ä v2,x v1,!"}) == 401
        assert send(url, body, {}) == 401
        running.terminate()
        said, _ = running.communicate(timeout=30)
    assert said.splitlines() == ['item.sold {"index": 1}'] * 2


def test_a_served_ledger_tells_a_program_and_a_customer_once(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box()
    mail = Listening(box, hostname="127.0.0.1", port=0)
    mail.start()
    monkeypatch.setenv("PATINA_WEBHOOKS_TO", "127.0.0.0/8")
    monkeypatch.setenv("PATINA_SMTP_URL", f"smtp://127.0.0.1:{mail.port}")
    monkeypatch.setenv("PATINA_MAIL_FROM", "care@shop.example")
    demo: Any = kept(directory)
    shop = next(party for party in demo["parties"] if "Tongda" in party["name"])
    try:
        with serving(directory, "--workers", "2") as (url, _):
            admin, key = demo["operator"]["api_key"], shop["api_key"]
            with receiving_from(url, admin, shop["id"]) as (webhook, running):
                item = ring(99)
                about = {"name": "Ring", "category": "jewellery"}
                said = {"type": "item.registered", "party": shop["id"], "subjects": [item], "details": about}
                post(f"{url}/v1/statements", key, {"statement": said})
                said |= {"type": "case.opened", "case": uuid("told"), "details": OPENED}
                told = post(f"{url}/v1/statements", key, {"statement": said, "private": {"customer": ADA}})
                wait_for(url, admin, webhook, box)
                running.terminate()
                printed = running.communicate(timeout=30)[0].splitlines()
    finally:
        mail.stop()
    assert [one.rcpt_tos for one in box.got] == [["ada@example.org"]]
    assert [line.partition(" ")[0] for line in printed] == ["case.opened"]
    assert json.loads(printed[0].partition(" ")[2])["statement"] == told["id"]


@contextmanager
def receiving_from(url: str, admin: str, party: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The example as a party's webhook. Its port is known only once it runs, and its secret only once it has a port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = post(f"{url}/v1/webhooks", admin, {"url": f"http://127.0.0.1:{port}/", "events": ["case.*"], "party": party})
    with receiving(made["secret"], port) as (_, running):
        yield made["id"], running


def wait_for(url: str, key: str, webhook: str, box: Box) -> None:
    """Wait until the webhook was tried and the customer told."""
    found: list[Any] = []
    for _ in range(600):
        headers = {"Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"{url}/v1/notices?webhook={webhook}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)["notices"]
        if box.got and found and found[0]["state"] == "sent":
            return
        time.sleep(0.1)
    pytest.fail(f"nobody was told: {found}, {len(box.got)}")
