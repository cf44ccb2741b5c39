"""Large objects in a bucket (S3, Google Cloud Storage, Azure) or a directory, each encrypted with its own key.

Callers store the key and the size somewhere else. Forgetting the key erases an object, even from backups of the store.
An object consists of chunks that can be decrypted separately (AES-256-GCM), so any part of it can be read on its own.
The client takes a while to import, so it is imported when the first object is used.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from obstore.store import ObjectStore

KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
CHUNKS_PER_READ: Final = 16


class BlobError(Exception):
    """The object cannot be written or read, or has been tampered with. The message says why, without the key."""


class Blob(NamedTuple):
    """An object's plaintext."""

    size: int
    sha256: bytes


class BlobStore:
    def __init__(self, url: str | None, directory: Path) -> None:
        """`directory` is where objects are stored without a URL."""
        self.url: Final = url
        self.directory: Final = directory
        self._opened: ObjectStore | None = None

    async def put(self, name: str, parts: AsyncIterable[bytes], *, key: bytes) -> Blob:
        """Store an object in place of any with the same name. No two objects may have the same key. Raise
        `BlobError`."""
        from obstore import put_async  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        size, digest = 0, hashlib.sha256()

        async def sealed() -> AsyncIterator[bytes]:
            nonlocal size
            number = 0
            async for chunk in _chunks(parts):
                size += len(chunk)
                digest.update(chunk)
                yield AESGCM(key).encrypt(_nonce(number), chunk, name.encode())
                number += 1

        try:
            await put_async(self._store, name, sealed())
            if not self.url:
                await asyncio.to_thread(_sync, self.directory / name)
        except (BaseError, OSError) as error:
            raise BlobError(f"not stored: {type(error).__name__}") from error
        return Blob(size, digest.digest())

    async def read(
        self, name: str, *, key: bytes, size: int, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to but not including `end`. Raise `BlobError`."""
        from obstore import get_range_async  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        end = size if end is None else min(end, size)
        number, cipher = start // CHUNK_BYTES, AESGCM(key)
        while number * CHUNK_BYTES < end:
            first = number * (CHUNK_BYTES + TAG_BYTES)
            last = first + CHUNKS_PER_READ * (CHUNK_BYTES + TAG_BYTES)
            try:
                sealed = bytes(await get_range_async(self._store, name, start=first, end=last))
            except (BaseError, OSError) as error:
                raise BlobError(f"not read: {type(error).__name__}") from error
            for offset in range(0, len(sealed), CHUNK_BYTES + TAG_BYTES):
                try:
                    chunk = cipher.decrypt(
                        _nonce(number), sealed[offset : offset + CHUNK_BYTES + TAG_BYTES], name.encode()
                    )
                except InvalidTag:
                    raise BlobError("the object has been tampered with") from None
                position = number * CHUNK_BYTES
                number += 1
                if part := chunk[max(start - position, 0) : max(end - position, 0)]:
                    yield part

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects, unless they are gone already. Raise `BlobError`."""
        from obstore import delete_async  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        for name in names:
            try:
                await delete_async(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise BlobError(f"not deleted: {type(error).__name__}") from error

    async def list(self, prefix: str | None = None) -> list[tuple[str, int]]:
        """Return the names and sizes, as stored, of the objects in a folder or in the whole store. Raise
        `BlobError`."""
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            objects = await self._store.list(prefix).collect_async()  # pyright: ignore[reportUnknownMemberType]  an overload for Arrow
        except (BaseError, OSError) as error:
            raise BlobError(f"not listed: {type(error).__name__}") from error
        return [(object["path"], object["size"]) for object in objects]

    @property
    def _store(self) -> "ObjectStore":
        from obstore.store import LocalStore, from_url  # noqa: PLC0415

        if self._opened is None:
            self._opened = from_url(self.url) if self.url else LocalStore(self.directory, mkdir=True)
        return self._opened


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def plaintext_size(stored: int) -> int:
    """Return the size of the plaintext of an object that has `stored` bytes."""
    return stored - TAG_BYTES * -(-stored // (CHUNK_BYTES + TAG_BYTES))


def _sync(file: Path) -> None:
    """Make a file and its name survive a power failure."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


async def _chunks(parts: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts again in chunks of the same size, except for the last."""
    buffer = bytearray()
    async for part in parts:
        buffer += part
        while len(buffer) >= CHUNK_BYTES:
            yield bytes(buffer[:CHUNK_BYTES])
            del buffer[:CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)


def _nonce(number: int) -> bytes:
    """Return a chunk's nonce. A key encrypts only one object, so the chunks' numbers never repeat."""
    return number.to_bytes(NONCE_BYTES, "big")
