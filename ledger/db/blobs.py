"""Where files lie: a store of bytes, each under the SHA-256 of what is stored, in a folder or an S3-compatible service.

What is stored is encrypted (``ledger.db.cipher``), so a store can be checked and backed up without any key, and the
name of a file tells nothing about what was uploaded. A file appears whole or not at all, and only after it is on the
disk; it is named in the database after that, so what is named is there.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from ledger.db.reason import reason
from ledger.errors import Unavailable

CHUNK = 64 * 1024
_PLACE = re.compile("[0-9a-f]{64}")
_NEW = "new"


class Missing(Exception):
    """There is nothing under this name."""


class BlobStore(Protocol):
    """Bytes by the SHA-256 of themselves, their ``place`` (64 hex). Raises ``Unavailable`` where it cannot be reached.

    Safe for threads and for processes that share a store.
    """

    def put(self, parts: Iterable[bytes]) -> str:
        """Store the parts, one after another, for good, and return their place."""

    def get(self, place: str) -> Iterator[bytes]:
        """The bytes in parts; raises ``Missing`` before the first. Nobody has compared them with their place."""

    def delete(self, place: str) -> None:
        """Delete what is there, if anything is."""

    def places(self) -> Iterator[tuple[str, int]]:
        """Every place and when it was written, in microseconds since 1970."""


class FolderStore:
    """A folder: ``ab/cd/abcd…``, 65,536 folders at most, so that none grows large; files have the mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._new = folder / _NEW

    def put(self, parts: Iterable[bytes]) -> str:
        """See ``BlobStore``: a new file beside, brought to the disk, then renamed, and the renaming brought there."""
        path = self._new / secrets.token_hex(16)
        digest = sha256()
        try:
            _make(self._folder, self._new)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                for part in parts:
                    digest.update(part)
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            place = digest.hexdigest()
            final = self._path(place)
            _make(final.parent.parent, final.parent)
            path.rename(final)
            for folder in (final.parent, final.parent.parent, self._folder):
                _sync(folder)
        except OSError as error:
            raise Unavailable(f"cannot store a file: {reason(error)}") from None
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return place

    def get(self, place: str) -> Iterator[bytes]:
        """See ``BlobStore``."""
        try:
            file = self._path(place).open("rb")
        except FileNotFoundError:
            raise Missing from None
        except OSError as error:
            raise Unavailable(f"cannot read a stored file: {reason(error)}") from None

        def parts() -> Iterator[bytes]:
            with file:
                while part := file.read(CHUNK):
                    yield part

        return parts()

    def delete(self, place: str) -> None:
        """See ``BlobStore``."""
        try:
            self._path(place).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot delete a stored file: {reason(error)}") from None

    def places(self) -> Iterator[tuple[str, int]]:
        """See ``BlobStore``; files that a killed process left unfinished are not among them (``tidy``)."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            with suppress(FileNotFoundError):
                yield path.name, path.stat().st_mtime_ns // 1000

    def tidy(self, before: int) -> None:
        """Delete files that were begun before this time and never finished."""
        for path in self._new.glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime_ns // 1000 < before:
                    path.unlink()

    def _path(self, place: str) -> Path:
        if _PLACE.fullmatch(place) is None:
            raise AssertionError("a place is 64 hex")
        return self._folder / place[:2] / place[2:4] / place


class S3Store:
    """A bucket of any S3-compatible service, by obstore: ``store`` is an ``obstore.store.S3Store``."""

    def __init__(self, store: Any, directory: Path) -> None:
        self._store = store
        self._directory = directory

    def put(self, parts: Iterable[bytes]) -> str:
        """See ``BlobStore``; the bytes pass through a nameless file, because the place must be known first."""
        import obstore  # noqa: PLC0415 -- only where a bucket is used

        digest = sha256()
        with tempfile.TemporaryFile(dir=self._directory) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
            file.seek(0)
            with _reaching():
                # Not in parts: then the service compares what it got with the digest that the request was signed with.
                obstore.put(self._store, digest.hexdigest(), file, use_multipart=False)
        return digest.hexdigest()

    def get(self, place: str) -> Iterator[bytes]:
        """See ``BlobStore``."""
        import obstore  # noqa: PLC0415

        with _reaching():
            stream = obstore.get(self._store, place).stream(min_chunk_size=CHUNK)

        def parts() -> Iterator[bytes]:
            with _reaching():
                for part in stream:
                    yield bytes(part)

        return parts()

    def delete(self, place: str) -> None:
        """See ``BlobStore``."""
        import obstore  # noqa: PLC0415

        with suppress(Missing), _reaching():
            obstore.delete(self._store, place)

    def places(self) -> Iterator[tuple[str, int]]:
        """See ``BlobStore``."""
        import obstore  # noqa: PLC0415

        with _reaching():
            for batch in obstore.list(self._store):
                for one in batch:
                    name = one["path"].rpartition("/")[2]
                    if _PLACE.fullmatch(name):
                        yield name, int(one["last_modified"].timestamp() * 1_000_000)


class _reaching:  # noqa: N801 -- reads as a phrase after `with`
    """What goes wrong on the way to the service, in our own errors."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from obstore.exceptions import BaseError  # noqa: PLC0415

        if isinstance(error, FileNotFoundError):
            raise Missing from None
        if isinstance(error, BaseError | OSError):
            raise Unavailable(f"the store of files does not answer: {reason(error)}") from None


def open_store(setting: str | None, directory: Path, environ: Mapping[str, str]) -> BlobStore:
    """The store that a setting names: a folder (``directory/blobs`` if it is left out) or ``s3://bucket/prefix``.

    Of ``environ`` an S3 store takes ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``,
    ``AWS_REGION`` and, for another service than Amazon's, ``AWS_ENDPOINT_URL``.
    """
    if setting is None or "://" not in setting:
        return FolderStore(directory / "blobs" if setting is None else Path(setting))
    parts = urlsplit(setting)
    if parts.scheme != "s3" or not parts.netloc:
        raise Unavailable("got a store of files of an unknown kind, want a folder or s3://bucket/prefix")
    from obstore.store import S3Store as Bucket  # noqa: PLC0415 -- 10 MB that a folder does not need

    endpoint = environ.get("AWS_ENDPOINT_URL")
    config: Any = {
        "endpoint": endpoint,
        "region": environ.get("AWS_REGION") or "us-east-1",
        "access_key_id": environ.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": environ.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": environ.get("AWS_SESSION_TOKEN"),
        "virtual_hosted_style_request": endpoint is None,
        "disable_bulk_delete": True,  # which not every service has
    }
    config = {name: value for name, value in config.items() if value is not None}
    bucket = Bucket(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={"allow_http": (endpoint or "").startswith("http://"), "timeout": "30s"},
        retry_config={"max_retries": 2},
    )
    return S3Store(bucket, directory)


def _make(*folders: Path) -> None:
    """Make folders that only their owner may enter, outermost first."""
    for folder in folders:
        folder.mkdir(mode=0o700, exist_ok=True)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
