"""The program that looks into an uploaded file, in a process of its own with little memory and time.

Decoders of pictures and papers are written in C and meet whatever a stranger sends. Here one can crash, loop or eat
memory without the service noticing more than a refusal. The file and the two to be written come as open descriptors,
which have no name on the disk; the answer is one line of JSON.

    python -m api.files.program SOURCE TARGET THUMBNAIL
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict

from api.files.kinds import MAX_FILE, PDF, SNIFFED, SUFFIXES, Unfit, Washed, sniff

MEMORY = 1536 * 1024 * 1024
"""Bytes of address space: a picture of ``MAX_PIXELS`` with transparency, turned, and the interpreter."""
SECONDS = 20
"""Of processor time: ten times what the largest picture takes."""
LARGEST = 4 * MAX_FILE
"""Bytes that may be written: a picture that was packed well elsewhere may come out larger, and is refused then."""


def main(source: int, target: int, thumbnail: int) -> dict[str, object]:
    """The answer: the members of ``Washed``, or ``refused`` and ``why``."""
    _limit()
    try:
        return asdict(_wash(source, target, thumbnail))
    except Unfit as error:
        return {"refused": error.kind, "why": error.why}
    except MemoryError:
        return {"refused": "too_large", "why": "got a file that needs more memory than files may take"}


def _wash(source: int, target: int, thumbnail: int) -> Washed:
    with os.fdopen(source, "rb") as file, os.fdopen(target, "w+b") as out, os.fdopen(thumbnail, "w+b") as small:
        media_type = sniff(file.read(SNIFFED))
        file.seek(0)
        if media_type is None:
            raise Unfit("media_type", f"got bytes of no kind that is taken, want {', '.join(SUFFIXES)}")
        # Only the decoder that is needed: each takes a tenth of a second to import.
        if media_type == PDF:
            from api.files.paper import wash_paper  # noqa: PLC0415

            return wash_paper(file, out)
        from api.files.picture import wash_picture  # noqa: PLC0415

        return wash_picture(media_type, file, out, small)


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, LARGEST),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*[int(word) for word in sys.argv[1:4]])))
