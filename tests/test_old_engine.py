"""The page's check in an engine as old as the baseline: skipped unless ``OLD_ENGINE`` is the command of one.

What was seen, and with which versions, stands in docs/verify.md. How to try it again, in a Chromium of 2022:

    python -m venv old && old/bin/pip install "PyQt6-WebEngine==6.5.0" "PyQt6-WebEngine-Qt6==6.5.3" \
        "PyQt6==6.5.3" "PyQt6-Qt6==6.5.3"
    OLD_ENGINE="old/bin/python tests/old_engine.py" python -m pytest tests/test_old_engine.py

and in a WebKit of Safari 15, where FOLDER holds the jars of org.openjfx:javafx-web:18.0.2 for Linux and what they want,
and a line of the file HOSTS is ``127.0.0.1 shop.example``:

    javac --module-path FOLDER --add-modules javafx.web -d old tests/OldWebKit.java
    OLD_ENGINE="xvfb-run -a java -Dprism.order=sw -Djdk.net.hosts.file=HOSTS --module-path FOLDER \
        --add-modules javafx.web -cp old OldWebKit" python -m pytest tests/test_old_engine.py
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.pages.joining import script_name
from api.pages.modules import LIBRARY_ENTRY, Modules
from ledger import history, times
from ledger.note import parse_vkey
from tests.browser import module_of, needs_library
from tests.middle import between
from tests.test_check_page import Site
from tests.test_check_vectors import history_case
from tests.vectors import vector

COMMAND = shlex.split(os.environ.get("OLD_ENGINE", ""))
pytestmark = [
    needs_library,
    pytest.mark.skipif(not COMMAND, reason="OLD_ENGINE is not the command of an old engine"),
]
BADGE = """(() => {
  const badge = document.querySelector("[data-check]");
  const says = badge && badge.querySelector("[data-says]").textContent;
  const done = says && !says.startsWith("Complete as of");
  return done ? JSON.stringify([badge.dataset.state, badge.dataset.path || null, says]) : "";
})()"""
CASES = Path(__file__).with_name("check_cases.js")
RUN = """
const cases = await (await fetch("cases.json")).json();
document.title = JSON.stringify([check.path, await check.verdicts(cases)]);
"""


def seen(address: str, expression: str) -> Any:
    words = [*COMMAND, address, expression]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("checked"))
    yield running
    assert running.stop() == [0, 0, 0]


@pytest.mark.parametrize("host", ["127.0.0.1", "shop.example"])
def test_the_item_page_checks_itself(site: Site, host: str) -> None:
    state, path, says = seen(site.address(host=host), BADGE)
    assert state == "phone"
    assert path in (["native", "library"] if host == "127.0.0.1" else ["library"])
    assert says.startswith("Checked by your phone: unchanged, and complete as of")


def test_where_nothing_can_check_the_server_did(site: Site) -> None:
    with between(site.server.place) as middle:
        middle.changes = {script_name(LIBRARY_ENTRY): lambda _: None}
        where = site.address(host="shop.example").replace(
            site.server.place.partition(":")[2], middle.address.partition(":")[2]
        )
        state, path, says = seen(where, BADGE)
    assert (state, path) == ("server", None)
    assert says.startswith("Checked by the server, not by your phone")


@contextmanager
def cases_served(cases: list[dict[str, Any]]) -> Iterator[str]:
    modules = Modules()
    own = {
        "page": b'<!doctype html><script type="module">import "./check_cases.js";' + RUN.encode() + b"</script>",
        "cases.json": json.dumps(cases).encode(),
        CASES.name: CASES.read_bytes(),
    }

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            body = own.get(name) or module_of(modules, name)
            kind = {"page": "text/html", "cases.json": "application/json"}.get(name, "text/javascript")
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", kind + "; charset=utf-8")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"shop.example:{server.server_port}"
        server.shutdown()


def test_the_shared_vectors_are_judged_alike() -> None:
    right, wrong = vector("patina-format/ledger.json"), vector("patina-format/wrong.json")
    now = times.parse_recorded("2026-11-28T01:00:00.000Z")
    pinned = (parse_vkey(wrong["vkey"]),)
    given = [(one, one["subject"]) for one in right["histories"]]
    given += [(one["history"], one["asked"]) for one in wrong["cases"] if "history" in one]
    cases = [history_case(document, history.Asked(subject, pinned, now)) for document, subject in given]
    asked = [{name: one[name] for name in ("kind", "document", "asked")} for one in cases]
    with cases_served(asked) as place:
        path, said = seen(f"http://{place}/page", "document.title.startsWith('[') ? document.title : ''")
    assert path == "library"  # plain http
    assert said == [one["verdict"] for one in cases]
