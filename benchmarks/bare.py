"""The bare route: uvicorn and one Starlette route that parses a JSON body and answers; no endpoint here is faster."""

from __future__ import annotations

import multiprocessing
import socket
import time

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def echo(request: Request) -> Response:
    """The length of the JSON that was sent."""
    value = msgspec.json.decode(await request.body())
    return Response(msgspec.json.encode({"members": len(value)}), media_type="application/json")


def serve(bound: socket.socket) -> None:
    """Serve on a socket until killed."""
    app = Starlette(routes=[Route("/", echo, methods=["POST"])])
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[bound])


class BareServer:
    """The bare route in a process of its own."""

    def __enter__(self) -> str:
        """Start it; its URL."""
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        bound.listen(2048)
        self._running = multiprocessing.get_context("fork").Process(target=serve, args=(bound,), daemon=True)
        self._running.start()
        time.sleep(1)
        return f"http://127.0.0.1:{bound.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._running.terminate()
        self._running.join()
