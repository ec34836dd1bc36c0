"""Load over HTTP: wrk with a Lua script where it is installed, else a small asyncio generator that says so.

wrk (github.com/wg/wrk) replays requests that were written to a file beforehand, one a line: a path, then, after a
tab, the JSON body to post, if any. Every body is sent once: a statement that is sent twice is answered from the first
time, which would flatter the figure. Answers are kept where they are to be checked, at the generator's cost. The
generator shares the machine with the server, as the issue's figures do.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_KEEP = """
local kept = io.open("%s", "wb")
response = function(status, headers, body) kept:write(body, "\\n") end
"""
"""Every answer's body on a line of its own: JSON as the service writes it has no line ends in it."""

_SCRIPT = """
local lines, at = {}, 0
for line in io.lines("%(file)s") do lines[#lines + 1] = line end
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %(key)s"}
request = function()
  at = at %% #lines + 1
  local path, body = lines[at]:match("^([^\\t]*)\\t?(.*)$")
  if body == "" then return wrk.format("GET", path, headers) end
  return wrk.format("POST", path, headers, body)
end
%(keep)s
done = function(summary, latency)
  if kept then kept:close() end
  print(string.format("RESULT %%d %%d %%d %%d %%d %%d", summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of load met: answers a second, latencies in milliseconds, how many were no success or none."""

    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int


def has_wrk() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(
    url: str, requests: Sequence[str], key: str, scratch: Path, *, connections: int, seconds: int, keep: bool = False
) -> Load:
    """`seconds` of load on `url` (scheme, host and port) with lines as this file's first paragraph has them.

    With `keep`, the bodies of all answers are in the file `answers(scratch)`, one a line.
    """
    kept = answers(scratch)
    if not has_wrk():
        return asyncio.run(_generate(url, requests, key, _Run(connections, seconds, kept if keep else None)))
    lines, script = scratch / "requests.txt", scratch / "requests.lua"
    lines.write_text("\n".join(requests) + "\n", encoding="utf-8")
    script.write_text(_SCRIPT % {"file": lines, "key": key, "keep": _KEEP % kept if keep else ""}, encoding="utf-8")
    # One thread: each thread of wrk runs the script from its own beginning, and so would send every line again.
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
    output = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    if found is None:
        raise RuntimeError(f"wrk printed no result:\n{output}")
    count, duration, status, broken, p50, p99 = map(int, found.groups())
    return Load(count / duration * 1e6, p50 / 1000, p99 / 1000, count, status + broken)


def answers(scratch: Path) -> Path:
    """Where the answers of a run are that was told to keep them."""
    return scratch / "answers.jsonl"


@dataclass(frozen=True, slots=True)
class _Run:
    connections: int
    seconds: float
    keep: Path | None


async def _generate(url: str, requests: Sequence[str], key: str, run: _Run) -> Load:
    """The same with asyncio and keep-alive connections; slower than wrk, so its figures are floors."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", url).groups()  # type: ignore[union-attr]
    left, taken, failed, bodies = iter(requests), [], 0, list[bytes]()
    end = time.perf_counter() + run.seconds

    async def visit() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, int(port))
        for line in left:
            if time.perf_counter() >= end:
                break
            writer.write(_request(line, host, key))
            begin = time.perf_counter()
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            bodies.append(await reader.readexactly(int(length[1]) if length else 0))
            taken.append(time.perf_counter() - begin)
            failed += not head.split(b" ", 2)[1].startswith(b"2")
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(visit() for _ in range(run.connections)))
    passed = time.perf_counter() - begin
    taken.sort()
    if run.keep is not None:
        run.keep.write_bytes(b"".join(body + b"\n" for body in bodies))
    return Load(
        len(taken) / passed,
        taken[len(taken) // 2] * 1000,
        taken[min(len(taken) - 1, int(len(taken) * 0.99))] * 1000,
        len(taken),
        failed,
    )


def _request(line: str, host: str, key: str) -> bytes:
    """One line as bytes of HTTP/1.1."""
    path, _, body = line.partition("\t")
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
    raw = body.encode()
    return (head + f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n").encode() + raw


def lone(url: str, requests: Sequence[str], key: str) -> list[float]:
    """Milliseconds that each request takes alone on one connection, sorted; raises on any that is no success."""
    return asyncio.run(_lone(url, requests, key))


async def _lone(url: str, requests: Sequence[str], key: str) -> list[float]:
    host, port = re.fullmatch(r"http://(.*):(\d+)", url).groups()  # type: ignore[union-attr]
    reader, writer = await asyncio.open_connection(host, int(port))
    taken = []
    for line in requests:
        await asyncio.sleep(0.01)  # lone: the server has finished whatever it does after an answer
        begin = time.perf_counter()
        writer.write(_request(line, host, key))
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        taken.append((time.perf_counter() - begin) * 1000)
        if not head.split(b" ", 2)[1].startswith(b"2"):
            raise RuntimeError(f"got {head[:60]!r} {json.dumps(body.decode())[:500]}")
    writer.close()
    return sorted(taken)
