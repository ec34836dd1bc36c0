"""The application: what ``patina serve`` runs, put together from settings; importing this does nothing.

Hot routes are Starlette routes and come first; what a shop calls by the hour is FastAPI's. Around both stand three
layers of plain ASGI: ``Edge`` (ids, limits, headers), inside it ``Gate`` (rights: what is not listed there is
denied) and ``Throttle`` (who guesses, waits).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api import openapi
from api.edge import Edge, fault_of
from api.jobs import Jobs
from api.problems import Problem, not_found, problem_of, problem_response, request_id_of
from api.raw_route import Direct, RawRoute
from api.rights import Gate
from api.routes import (
    addresses,
    api_keys,
    attachments,
    cases,
    check,
    codes,
    console,
    devices,
    erasures,
    find,
    grants,
    health,
    items,
    log,
    log_health,
    metrics,
    oidc,
    pages,
    papers,
    party,
    people,
    private_files,
    reading,
    readings,
    receipts,
    registry,
    reports,
    risks,
    search,
    session,
    signing_keys,
    speak,
    standards,
    statement,
    statements,
    stop,
    webhooks,
    worklists,
)
from api.settings import Settings
from api.site import Site
from api.suspension import Suspension
from api.throttle import Throttle
from ledger.db.blobs import open_store
from ledger.db.ledger import Clock, Ledger, open_ledger
from ledger.db.master import master_of
from ledger.errors import PatinaError

HOT = (
    RawRoute("/v1/statements", statements.post_statement, "POST"),
    RawRoute("/v1/statements/batch", statements.post_batch, "POST"),
    RawRoute("/v1/items/{id:path}/history", items.get_history),
    RawRoute("/i/{token}", pages.get_code_page),
    RawRoute("/checkpoint", log.get_checkpoint),
    RawRoute("/tile/entries/{path:path}", log.get_entries),
    RawRoute("/tile/{path:path}", log.get_tile),
    RawRoute("/v1/statements/{id}", statement.get_statement),
    RawRoute("/v1/statements/{id}/paper", papers.get_statement_paper),
    RawRoute("/v1/items", items.post_item, "POST"),
    RawRoute("/v1/items/{id:path}/qr.svg", items.get_qr),
    RawRoute("/v1/items/{id:path}/qr.png", items.get_qr),
    RawRoute("/v1/items/{id:path}/codes", codes.post_code, "POST"),
    RawRoute("/v1/items/{id:path}/codes", codes.get_codes),
    RawRoute("/v1/items/{id:path}/codes/{code}", codes.delete_code, "DELETE"),
    RawRoute("/v1/codes", codes.post_cards, "POST"),
    RawRoute("/v1/codes", codes.get_cards),
    RawRoute("/v1/codes/{code}", codes.delete_card, "DELETE"),
    RawRoute("/v1/items/{id:path}/responsibility", cases.get_responsibility),
    RawRoute("/v1/items/{id:path}", items.get_item),
    RawRoute("/v1/cases/{id}", cases.get_case),
    RawRoute("/v1/check", check.post_check, "POST"),
    RawRoute("/v1/erasures", erasures.post_erasure, "POST"),
    RawRoute("/v1/erasures", erasures.get_erasures),
    RawRoute("/v1/erasures/{id}", erasures.get_erasure),
    RawRoute("/v1/log/health", log_health.get_health),
    RawRoute("/metrics", metrics.get_metrics),
    RawRoute("/v1/log/proof/inclusion", log.get_inclusion),
    RawRoute("/v1/log/proof/consistency", log.get_consistency),
    RawRoute("/v1/log/map/{subject:path}", log.get_map_proof),
    RawRoute("/v1/log/keys", log.get_keys),
    RawRoute("/i/{token}/history", pages.get_code_history),
    RawRoute("/i/{token}/papers/{statement}", papers.get_code_paper),
    RawRoute("/i/{token}/qr.svg", pages.get_code_qr),
    RawRoute("/i/{token}/qr.png", pages.get_code_qr),
    RawRoute("/i/{token}/history", reading.post_history, "POST"),
    RawRoute("/i/{token}/statements", speak.post_statement, "POST"),
    RawRoute("/c/{token}", speak.get_case_page),
    RawRoute("/c/{token}/history", reading.get_case_history),
    RawRoute("/c/{token}/history", reading.post_case_history, "POST"),
    RawRoute("/c/{token}/qr.svg", pages.get_code_qr),
    RawRoute("/c/{token}/qr.png", pages.get_code_qr),
    RawRoute("/c/{token}/statements", speak.post_case_statement, "POST"),
    RawRoute("/n/{token}", stop.get_stop_page),
    RawRoute("/n/{token}", stop.post_stop, "POST"),
    RawRoute("/a/{token}", addresses.get_confirm_page),
    RawRoute("/a/{token}", addresses.post_confirm, "POST"),
    RawRoute("/v1/receipts", receipts.post_receipt, "POST"),
    RawRoute("/v1/receipts/{receipt}", receipts.delete_receipt, "DELETE"),
    RawRoute("/r/{token}", receipts.get_receipt_page),
    RawRoute("/r/{token}/paper", papers.get_receipt_paper),
    RawRoute("/r/{token}/qr.svg", receipts.get_receipt_qr),
    RawRoute("/r/{token}/qr.png", receipts.get_receipt_qr),
    RawRoute("/o", speak.get_owner_page),
    RawRoute("/p/{party}", party.get_party_page),
    RawRoute("/p/{party}/qr.svg", party.get_party_qr),
    RawRoute("/p/{party}/qr.png", party.get_party_qr),
    RawRoute("/p/{party}/cases", party.post_party_case, "POST"),
    RawRoute("/v1/parties/{id}/feedback", party.get_feedback),
    RawRoute("/s/{short_code}", pages.get_short_page),
    RawRoute("/01/{gtin}/21/{serial}", pages.get_public_page),
    RawRoute("/8004/{giai}", pages.get_public_page),
    RawRoute("/v1/attachments", attachments.post_attachment, "POST"),
    RawRoute("/v1/attachments/{sha256}", attachments.get_attachment),
    RawRoute("/v1/attachments/{sha256}/thumbnail", attachments.get_thumbnail),
    RawRoute("/i/{token}/attachments/{sha256}", attachments.get_shown),
    RawRoute("/i/{token}/attachments/{sha256}/thumbnail", attachments.get_shown_thumbnail),
    RawRoute("/i/{token}/attachments", private_files.post_upload, "POST"),
    RawRoute("/i/{token}/attachments/{sha256}", private_files.post_file, "POST"),
    RawRoute("/c/{token}/attachments/{sha256}", private_files.get_case_file),
    RawRoute("/c/{token}/attachments/{sha256}/thumbnail", private_files.get_case_thumbnail),
    RawRoute("/", pages.get_front_page),
    RawRoute("/docs", pages.get_docs),
    RawRoute("/docs/problems", pages.get_problem_docs),
    RawRoute("/openapi.json", pages.get_openapi),
    RawRoute("/static/{name}", pages.get_static),
    RawRoute("/static/{mark}/{name}", pages.get_module),
    RawRoute("/console", console.get_console),
    RawRoute("/console/worker.js", console.get_console_worker),
    RawRoute("/console/files/{mark}/{name}", console.get_console_file),
    RawRoute("/console/ledger", console.get_ledger),
    RawRoute("/console/ledger/{page}", console.get_ledger),
    RawRoute("/console/{page}", console.get_console),
    RawRoute("/robots.txt", pages.get_robots),
    RawRoute("/favicon.ico", pages.get_icon),
)
"""Matched in this order, before FastAPI's."""
ROUTERS = (
    search.router,
    registry.router,
    api_keys.router,
    signing_keys.router,
    people.router,
    session.router,
    oidc.router,
    devices.router,
    grants.router,
    reports.router,
    webhooks.router,
    addresses.router,
    readings.router,
    risks.router,
    find.router,
    worklists.router,
    standards.router,
    health.router,
)
ROUTES = (*HOT, *(route for router in ROUTERS for route in router.routes))
"""All, as they were declared: no application need make them anew, for nothing of it is in them."""


def now() -> int:
    """The clock: microseconds since 1970 in UTC."""
    return time.time_ns() // 1000


def open_site_ledger(settings: Settings, clock: Clock) -> Ledger:
    """The ledger of the settings, opened with the master key of the environment or else of the ledger's folder."""
    master = master_of(os.environ, settings.directory)
    return open_ledger(
        settings.url, directory=settings.directory, master=master, clock=clock, accept_clock=settings.accept_clock,
        blobs=open_store(settings.files, settings.directory, os.environ),
    )  # fmt: skip


class Application(FastAPI):
    """FastAPI behind ``front``: its own layers, of which there are several, are spared the hot routes."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        scope["app"] = self
        await self.front(scope, receive, send)

    async def inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        """FastAPI's own answer."""
        await super().__call__(scope, receive, send)


def create_app(settings: Settings, open_it: Callable[[], Ledger] | None = None, clock: Clock = now) -> Application:
    """The application over the ledger that ``open_it`` opens when the server starts: by default, the settings' own."""
    site = Site(settings, open_it or (lambda: open_site_ledger(settings, clock)), clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await site.open()
        jobs = Jobs(site)
        if settings.jobs:
            jobs.start()
        yield
        await jobs.stop()
        # A task ends when it is told to; the thread that works for it has a connection, and may have the lock.
        await asyncio.get_running_loop().shutdown_default_executor()
        await site.close()

    app = Application(
        title="Patina",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.site = site
    app.router.routes[:] = ROUTES
    app.state.openapi = _document()
    app.state.routes = ROUTES
    for kind in (PatinaError, Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _refuse)
    app.add_exception_handler(Exception, _fault)
    inside = Suspension(Throttle(Direct(app.inner, routes=HOT), limits=site.limits), site.is_suspended)
    gate = Gate(
        inside,
        find_caller=site.find_caller,
        find_visitor=site.visiting.caller,
        entries_public=settings.entries_public,
    )
    app.front = Edge(gate, https=settings.public_url.startswith("https://"))
    return app


@cache
def _document() -> dict[str, Any]:
    """The OpenAPI document, made once a process."""
    return openapi.describe(ROUTES)


async def _fault(request: Request, error: Exception) -> Response:
    """The problem document of a fault in a FastAPI route; ``Edge`` writes it down."""
    return problem_response(fault_of(error, request_id_of(request)), request_id_of(request))


async def _refuse(request: Request, error: Exception) -> Response:
    """The problem document of whatever a route raised on purpose."""
    match error:
        case Problem():
            problem = error
        case PatinaError():
            problem = problem_of(error)
        case RequestValidationError():
            problem = _problem_of_parameter(error)
        case HTTPException(status_code=405):
            problem = Problem("method", "this address has no such method", headers=error.headers)
        case HTTPException(status_code=400):
            problem = Problem("malformed", str(error.detail))
        case _:
            problem = not_found()
    return problem_response(problem, request_id_of(request))


def _problem_of_parameter(error: RequestValidationError) -> Problem:
    first = error.errors()[0]
    return Problem("invalid", str(first["msg"])[:200].lower(), parameter=str(first["loc"][-1]))
