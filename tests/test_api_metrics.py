"""`GET /metrics`: what Prometheus reads is of its text format, and says what the ledger says elsewhere."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from api.jobs import rehash
from api.routes.metrics import TEXT
from ledger import note
from ledger.checkpoint import parse_checkpoint_text
from tests.shop import RING, Shop, open_shop

FIGURE = re.compile(r'([a-z_]+)(\{worker="[0-9]+"\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?)')


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url) as opened:
        yield opened


def figures(shop: Shop) -> dict[str, float]:
    """Each figure by its name and label, read as the format's description says: HELP, TYPE, then the value."""
    answer = shop.get("/metrics", shop.operator)
    assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT), answer.text
    lines = answer.text.split("\n")
    assert lines.pop() == "", "the last line ends, too"
    found = {}
    for help_, kind, line in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        parts = FIGURE.fullmatch(line)
        assert parts, line
        assert help_.startswith(f"# HELP {parts[1]} ")
        assert kind in {f"# TYPE {parts[1]} gauge", f"# TYPE {parts[1]} counter"}
        assert parts[1].endswith("_total") == kind.endswith("counter")
        found[parts[1] + (parts[2] or "")] = float(parts[3])
    return found


def test_it_says_what_the_checkpoint_and_the_process_say(shop: Shop) -> None:
    seller = shop.party("seller", "retailer")
    before = figures(shop)
    shop.say(seller, "item.registered", RING, {"name": "Ring", "category": "jewellery"})
    asyncio.run(rehash(shop.app.state.site))
    found, own = figures(shop), f'{{worker="{os.getpid()}"}}'
    checkpoint = parse_checkpoint_text(note.parse_note(shop.get("/checkpoint").text).text)
    assert found["patina_log_leaves"] == checkpoint.size == found[f"patina_rehash_leaves{own}"]
    assert found["patina_log_statements"] == before["patina_log_statements"] + 1
    assert found["patina_log_subjects"] == before["patina_log_subjects"] + 1
    health = shop.get("/v1/log/health", shop.operator).json()
    recorded = datetime.fromisoformat(health["recorded_at"]).timestamp()
    assert found["patina_log_recorded_timestamp_seconds"] == pytest.approx(recorded, abs=1)
    assert (found[f"patina_signing{own}"], found[f"patina_appender_waiting{own}"]) == (1, 0)
    assert found[f"patina_rehash_wrong{own}"] == 0
    assert 0 < found["patina_disk_free_bytes"] <= found["patina_disk_size_bytes"]
    assert found[f"process_resident_memory_bytes{own}"] > 10 * 2**20
    assert found[f"process_open_fds{own}"] > 3
    assert found[f"process_cpu_seconds_total{own}"] > before[f"process_cpu_seconds_total{own}"] > 0


def test_what_keeps_it_from_signing_is_a_figure(shop: Shop) -> None:
    shop.ledger.writer.refusal = "for a test"
    assert figures(shop)[f'patina_signing{{worker="{os.getpid()}"}}'] == 0


def test_it_is_for_the_operator_alone(shop: Shop) -> None:
    seller = shop.party("seller", "retailer")
    assert shop.get("/metrics").status_code == 401
    assert shop.get("/metrics", seller).status_code == 403
