"""`patina serve --tls`: https in a shop's own network, by a given certificate or one that the machine makes."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import ssl
import stat
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.cli import certificate, init
from ledger.errors import Unavailable
from tests.test_cli_serve import ROOT

NOW = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine to read it with")
def test_a_machine_makes_one_for_its_own_names_and_keeps_it(tmp_path: Path) -> None:
    pair = certificate.own(tmp_path, "192.168.1.20", NOW)
    raw = pair.certificate.read_bytes()
    said = subprocess.run(
        ["openssl", "x509", "-in", str(pair.certificate), "-noout", "-text"], capture_output=True, text=True, check=True
    ).stdout
    assert "IP Address:192.168.1.20" in said
    assert "DNS:localhost" in said
    assert "TLS Web Server Authentication" in said
    assert "CA:FALSE" in said
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.key.parent.stat().st_mode) == 0o700
    assert certificate.own(tmp_path, "192.168.1.20", NOW + timedelta(days=300)).certificate.read_bytes() == raw
    # Another address, or an end within a month: a new one.
    assert certificate.own(tmp_path, "192.168.1.21", NOW).certificate.read_bytes() != raw
    again = certificate.own(tmp_path, "192.168.1.21", NOW).certificate.read_bytes()
    assert certificate.own(tmp_path, "192.168.1.21", NOW + timedelta(days=370)).certificate.read_bytes() != again


def test_the_fingerprint_is_the_hash_that_browsers_show(tmp_path: Path) -> None:
    pair = certificate.own(tmp_path, "127.0.0.1", NOW)
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    assert pair.fingerprint().replace(":", "").lower() == hashlib.sha256(der).hexdigest()


def test_a_given_one_must_be_there_and_belong_to_its_key(tmp_path: Path) -> None:
    one, other = certificate.own(tmp_path / ".", "127.0.0.1", NOW), tmp_path / "other"
    other.mkdir()
    another = certificate.own(other, "127.0.0.1", NOW)
    assert certificate.given(one.certificate, one.key) == one
    for files, why in (
        ((one.certificate, another.key), "is not the one of the certificate"),
        ((tmp_path / "none.pem", one.key), "cannot read the certificate"),
        ((one.key, one.key), "cannot read the certificate"),
        ((one.certificate, one.certificate), "cannot read the key"),
        ((one.certificate, tmp_path / "none.pem"), "cannot read the key"),
    ):
        with pytest.raises(Unavailable, match=why):
            certificate.given(*files)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_console_is_served_by_https(tmp_path: Path, workers: int) -> None:
    directory = tmp_path / "var"
    init.create(directory, "tls.example/log")
    words = ["--dir", str(directory), "--port", "0", "--tls", "--workers", str(workers), "--json"]
    running = subprocess.Popen(
        [sys.executable, "-m", "ledger.command", "serve", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        said = json.loads(running.stdout.readline())
        assert re.fullmatch(r"https://127\.0\.0\.1:[0-9]+", said["url"])
        trusting = ssl.create_default_context(cafile=str(directory / "tls" / "certificate.pem"))
        with urllib.request.urlopen(said["url"] + "/console", timeout=30, context=trusting) as answer:
            assert answer.status == 200
            assert "max-age" in answer.headers["strict-transport-security"]
        seen = ssl.get_server_certificate(("127.0.0.1", said["port"]))
        der = ssl.PEM_cert_to_DER_cert(seen)
        assert said["fingerprint"].replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    finally:
        running.terminate()
        running.communicate(timeout=60)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    words = ["--dir", str(tmp_path), "--tls-cert", "certificate.pem"]
    run = subprocess.run(
        [sys.executable, "-m", "ledger.command", "serve", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "--tls-cert and --tls-key together" in run.stderr
