"""Runs ``api.files.program`` on an uploaded file, a few at a time, and believes nothing that it says but its answer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import IO

from api.files.kinds import MAX_FILE, Unfit, Washed

AT_ONCE = 2
"""Files that are looked into at the same time: each may take the memory that ``program`` allows."""
TIMEOUT = 30.0
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH")
"""What the program is given of the service's environment, which holds secrets."""


class Sandbox:
    """Washes files; one for each process of the service."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def wash(self, source: IO[bytes], target: IO[bytes], thumbnail: IO[bytes]) -> Washed:
        """Write what is left of ``source`` to ``target``, and a picture's thumbnail; raises ``Unfit``."""
        async with self._turn:
            return await asyncio.to_thread(wash, source, target, thumbnail)


def wash(source: IO[bytes], target: IO[bytes], thumbnail: IO[bytes], timeout: float = TIMEOUT) -> Washed:
    """The same, waiting for it."""
    files = [source.fileno(), target.fileno(), thumbnail.fileno()]
    source.flush()
    source.seek(0)
    command = [sys.executable, "-m", "api.files.program", *[str(file) for file in files]]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        ran = subprocess.run(  # noqa: S603 -- our own program, with numbers for arguments
            command, pass_fds=files, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=timeout,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unfit("too_large", "got a file that takes too long to look into") from None
    if ran.returncode != 0:
        raise Unfit("malformed", "got a file that its decoder does not survive")
    answer = json.loads(ran.stdout)
    if "refused" in answer:
        raise Unfit(answer["refused"], answer["why"])
    size = os.fstat(target.fileno()).st_size
    if size > MAX_FILE:
        raise Unfit("too_large", f"got a file of {size} bytes after it was written anew, want at most {MAX_FILE}")
    return Washed(**answer)
