"""A server that is killed, or whose answer is lost: what was answered stays, and what is sent again stands once.

The server is a process of its own and really killed, at every point of a commit (tests/dying.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dying import BEFORE_COMMIT, FILE, NOT_RECORDED, RECORDED
from tests.served import Server
from tests.till import Till, opened_till, proved_at

POINTS = [*NOT_RECORDED, BEFORE_COMMIT, *RECORDED]


@pytest.fixture
def till(database_url: str, tmp_path: Path) -> Till:
    return opened_till(tmp_path / "var", database_url)


def test_killed_at_every_point_of_a_commit(till: Till, database_url: str, tmp_path: Path) -> None:
    directory = tmp_path / "var"
    with Server(directory, program=["tests.dying"], url=database_url) as server:
        for point in POINTS:
            till.place = server.place
            till.sell(till.statement())
            statement = till.statement()
            (directory / FILE).write_text(point)
            assert till.post(statement) is None, f"an answer came, and no death: {point}"
            server.started()
            till.place = server.place
            status, receipt = till.sell(statement)
            assert (status, receipt["id"]) == (200 if point in RECORDED else 201, statement["id"]), point
            assert len(proved_at(till)) > 2 * POINTS.index(point)
        assert server.stop() == 0


def test_an_answer_that_is_lost_on_the_way_is_given_again(till: Till, database_url: str, tmp_path: Path) -> None:
    with Server(tmp_path / "var", url=database_url) as server:
        till.place = server.place
        statements = [till.statement() for _ in range(8)]
        for statement in statements:
            assert till.post(statement, listen=False) is None
        for statement in statements:
            assert till.sell(statement)[1]["id"] == statement["id"]
        stands = proved_at(till)
        assert {statement["id"] for statement in statements} <= set(stands)
        assert server.stop() == 0
