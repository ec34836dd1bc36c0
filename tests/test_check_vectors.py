"""The check in the browser gives the verdict of the Python verifier, with the same number, on whatever both are given.

Given are the shared vectors, right and wrong, and every document that the tests of the verifier let it judge
(``tests.recorded``). The verdicts to expect are the Python verifier's, whose own tests hold them to the checks meant.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from ledger import bundle, didkey, history, merkle, note, submap, times, types
from ledger.errors import Invalid
from ledger.note import parse_vkey
from tests.browser import WAYS, cases_page, needs_chromium, needs_library, verdicts_of
from tests.build import Build
from tests.judged import Case, asked_of, judged, said_of
from tests.reference import ed25519
from tests.test_didkey import LOW_ORDER
from tests.test_ed25519 import BASE, signed
from tests.vectors import vector

pytestmark = [needs_chromium, needs_library, pytest.mark.long]

JUDGING = (
    "test_history test_verify_history test_verify_shown test_verify_findings test_verify_kept test_audit_cases "
    "test_audit_checks test_audit_state test_audit_unknown test_audit_signing test_audit_doubt test_attack_verifier "
    "test_attack_core test_attack_keys test_attack_holders"
).split()
"""The tests that let the verifier judge, or build ledgers of which it can."""
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """What the tests of the verifier let it judge, and its verdicts."""
    written = tmp_path_factory.mktemp("recorded") / "cases.jsonl"
    names = [f"tests/{name}.py" for name in JUDGING]
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.recorded", "-p", "no:cacheprovider", *names]
    environment = os.environ | {"PATINA_RECORD": str(written)}
    ran = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    return [json.loads(line) for line in written.read_text("utf-8").splitlines()]


def history_case(document: dict[str, Any], asked: history.Asked) -> Case:
    """A history, and what the Python verifier says of it."""
    raw = json.dumps(document).encode()
    _, _, verdict = judged(lambda: history.check_history(bundle.parse_history(raw), asked), said_of)
    return {"kind": "history", "document": raw.decode(), "asked": asked_of(asked), "verdict": verdict}


def histories_of(leaves: list[str], checkpoint: str, vkey: str) -> Iterator[Case]:
    """The histories of the items and cases in a whole ledger, whose leaves may be wrong."""
    made = Build()
    made.leaves, made.hashes, made.heads, made.of = [], [], {}, {}
    for leaf in leaves:
        links = json.loads(leaf).get("links", [])
        made.put_raw(leaf.encode(), [link["subject"] for link in links])
    first = json.loads(leaves[0])["statement"]
    records = sorted(submap.format_record(submap.key_of(one), *head[:2]) for one, head in made.heads.items())
    for subject in made.heads:
        said = [json.loads(leaves[index])["statement"] for index in made.of[subject]]
        signers = {one["party"] for one in said if "grant" not in one} | {first["party"]}
        shown = [subject, *(party + "#authority" for party in sorted(signers)), first["subjects"][0]]
        document = {
            "format": "patina/history/v1",
            "origin": checkpoint.partition("\n")[0],
            "subject": subject,
            "checkpoint": checkpoint,
            "tail": {"entry": leaves[-1], "proof": _proof(made, len(leaves) - 1)},
            "first": {"entry": leaves[0], "proof": _proof(made, 0)},
            "histories": [made._shown(one, records) for one in dict.fromkeys(shown)],
            "disclosures": {},
        }
        now = times.parse_recorded("2026-11-28T01:00:00.000Z")
        yield history_case(document, history.Asked(subject, (parse_vkey(vkey),), now))


def _proof(made: Build, index: int) -> list[str]:
    return [b64encode(digest).decode() for digest in merkle.prove_inclusion(index, made.size, made.read)]


def disagreements(browser: Browser, way: str, cases: list[Case]) -> list[tuple[Any, Any]]:
    """Where a browser says something else, with what each says."""
    with cases_page(browser, way) as page:
        said = verdicts_of(page, cases)
    pairs = zip(cases, said, strict=True)
    return [(one["verdict"], verdict) for one, verdict in pairs if one["verdict"] != verdict]


def test_each_way_gives_the_verdict_of_the_python_verifier(browser: Browser, recorded: list[Case]) -> None:
    counted = Counter(str(one["verdict"].get("check")) for one in recorded)
    # Every numbered check refuses something, and a good deal is proved.
    assert {str(number) for number in range(1, 13)} <= set(counted), counted
    assert sum("proved" in one["verdict"] for one in recorded) > 300
    for way in ("native", "library, on plain http"):
        assert disagreements(browser, way, recorded) == [], way


@pytest.mark.parametrize("way", WAYS)
def test_each_way_refuses_the_shared_vectors_that_are_wrong(browser: Browser, way: str) -> None:
    right, wrong = vector("patina-format/ledger.json"), vector("patina-format/wrong.json")
    now = times.parse_recorded("2026-11-28T01:00:00.000Z")
    pinned = (parse_vkey(wrong["vkey"]),)
    cases = [history_case(one, history.Asked(one["subject"], pinned, now)) for one in right["histories"]]
    assert all("proved" in one["verdict"] for one in cases)
    refused = [
        history_case(one["history"], history.Asked(one["asked"], pinned, now))
        for one in wrong["cases"]
        if "history" in one
    ]
    assert all("check" in one["verdict"] for one in refused)
    assert disagreements(browser, way, cases + refused) == []


def test_histories_of_the_wrong_ledgers_are_judged_alike(browser: Browser) -> None:
    wrong = vector("patina-format/wrong.json")
    ledgers = [one for one in wrong["cases"] if "leaves" in one]
    cases, refused = [], set()
    for one in ledgers:
        of_this = list(histories_of(one["leaves"], one["checkpoint"], wrong["vkey"]))
        refused |= {one["name"] for case in of_this if "proved" not in case["verdict"]}
        cases += of_this
    # What no history can show: a false seal that a later one corrects, and what only a reader of every leaf sees.
    assert len(refused) > len(ledgers) * 3 / 4, sorted({one["name"] for one in ledgers} - refused)
    for way in ("native", "library, on plain http"):
        assert disagreements(browser, way, cases) == [], way


def test_both_tables_of_types_are_the_same(browser: Browser) -> None:
    with cases_page(browser, "native") as page:
        described = page.evaluate("check.describe()")
    wanted = [
        {name: value for name, value in row.items() if name not in {"section", "private"}} for row in types.describe()
    ]
    names = ("kinds", "who", "on_behalf", "outside")
    for row in (*described, *wanted):
        row.update({name: sorted(row[name]) for name in names})
    assert described == wanted


def test_bytes_of_every_length_around_a_block_hash_as_hashlib_says(browser: Browser) -> None:
    given = [bytes(range(number % 251)) + bytes(number - number % 251) for number in range(400)]
    with cases_page(browser, "native") as page:
        said = page.evaluate("(all) => check.hashAll(all)", [raw.hex() for raw in given])
    assert said == [hashlib.sha256(raw).hexdigest() for raw in given]


def _signatures() -> list[tuple[bytes, bytes, bytes]]:
    """Wycheproof's, and those under keys with a part of low order, of which one in eight verifies."""
    found = [
        (bytes.fromhex(group["publicKey"]["pk"]), bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
        for group in vector("wycheproof/ed25519_test.json")["testGroups"]
        for case in group["tests"]
    ]
    seed = bytes(range(32))
    honest, scalar = ed25519.decode(signed(seed, b"")[0]), ed25519.secret_scalar(seed)
    for torsion in [ed25519.decode(bytes.fromhex(point)) for point in LOW_ORDER.values()]:
        public = ed25519.encode(ed25519.add(honest, torsion))
        for commitment in (ed25519.times(7, BASE), ed25519.add(ed25519.times(7, BASE), torsion)):
            r = ed25519.encode(commitment)
            for number in range(16):
                message = b"%d" % number
                s = (7 + ed25519.challenge(r, public, message) * scalar) % ed25519.L
                found.append((public, r + s.to_bytes(32, "little"), message))
    points = [bytes.fromhex(point) for point in LOW_ORDER.values()]
    points += [(2**255 - 19 + more).to_bytes(32, "little") for more in range(19)]
    points += [bytes([*point[:31], point[31] | 128]) for point in points]
    return found + [(point, signed(seed, b"x")[1], b"x") for point in points]


def _accepted(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        didkey.check_point(public)
    except Invalid:
        return False
    return note.verifies(public, signature, message)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_accepts_the_same_signatures(browser: Browser, way: str) -> None:
    given = _signatures()
    wanted = [_accepted(*one) for one in given]
    assert 80 < sum(wanted) < len(given) - 80
    with cases_page(browser, way) as page:
        said = page.evaluate("(all) => check.verifyAll(all)", [[part.hex() for part in one] for one in given])
    assert [one for one, want, got in zip(given, wanted, said, strict=True) if want != got] == []


def test_without_either_there_is_no_way(browser: Browser) -> None:
    with cases_page(browser, "library, on plain http", library=False) as page:
        assert page.evaluate("check.path") is None
