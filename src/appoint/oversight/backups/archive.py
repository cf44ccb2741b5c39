"""The place where backups are stored, and their encryption.

Every object has a key of its own, derived from the backup key and the object's name. The name contains a random part,
so it is never reused: nothing is overwritten, and no key is used twice. The name is authenticated with the
content, so an object cannot take another one's place.
"""

import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ...kit.blobs import Blob, BlobError, BlobStore, plaintext_size
from ...kit.key_ring import KEY_BYTES, KeyRing
from ...settings import Settings
from .model import BackupError, StoredObject


class Archive:
    def __init__(self, store: BlobStore, keys: KeyRing) -> None:
        self.store: Final = store
        self._keys: Final = {_fingerprint(key): key for key in keys.keys.values()}

    async def put(self, stem: str, parts: AsyncIterable[bytes]) -> tuple[StoredObject, Blob]:
        """Store an object whose name begins with `stem`, encrypted with the first key. Raise `BackupError`."""
        fingerprint, key = next(iter(self._keys.items()))
        name = f"{stem}.{fingerprint}.{os.urandom(8).hex()}"
        try:
            blob = await self.store.put(name, parts, key=_derive(key, name))
        except BlobError as error:
            raise BackupError(f"{name} was {error}.") from error
        return StoredObject(name, blob.size), blob

    async def read(self, name: str, size: int) -> AsyncIterator[bytes]:
        """Yield the plaintext, which has `size` bytes. Raise `BackupError` if the object is missing or damaged, or its
        key is missing."""
        fingerprint = name.split(".")[-2]
        key = self._keys.get(fingerprint)
        if key is None:
            raise BackupError(
                f"{name} is encrypted with a key that is not in APPOINT_BACKUP_KEYS (fingerprint {fingerprint}; the "
                f"keys there have {', '.join(self._keys)})."
            )
        count = 0
        try:
            async for part in self.store.read(name, key=_derive(key, name), size=size):
                count += len(part)
                yield part
        except BlobError as error:
            raise BackupError(f"{name} cannot be restored: {error}.") from error
        if count != size:
            raise BackupError(f"{name} cannot be restored: only {count} of {size} bytes are there.")

    async def read_whole(self, stored: StoredObject) -> bytes:
        """Return a small object's plaintext."""
        return b"".join([part async for part in self.read(stored.name, plaintext_size(stored.size))])

    async def list(self, prefix: str = "") -> list[StoredObject]:
        """Return the objects in a folder, in no particular order."""
        try:
            return [StoredObject(name, size) for name, size in await self.store.list(prefix or None)]
        except BlobError as error:
            raise BackupError(f"The backups cannot be listed: {error}.") from error

    async def delete(self, names: Sequence[str]) -> None:
        try:
            await self.store.delete(names)
        except BlobError as error:
            raise BackupError(f"Expired backups cannot be deleted: {error}.") from error


def open_archive(settings: Settings) -> Archive:
    """Return the archive that the settings name. Raise `BackupError` if the settings are incomplete or invalid."""
    url = settings.backup_url.get_secret_value() if settings.backup_url else ""
    if not url:
        raise BackupError("Set APPOINT_BACKUP_URL to the place for backups, such as s3://bucket/folder or a folder.")
    keys = read_keys(settings)
    folder = _folder(url)
    if folder and not folder.is_dir():
        raise BackupError(f"There is no folder {folder}. Create it, or mount it, and try again.")
    return Archive(BlobStore(None if folder else url, folder or Path()), keys)


def read_keys(settings: Settings) -> KeyRing:
    """Return the keys for backups. Raise `BackupError` if there are none, or they are malformed."""
    if settings.backup_keys is None:
        raise BackupError(
            "Set APPOINT_BACKUP_KEYS to a key from `appoint encryption new-key`, and keep a copy of it away from this "
            "machine: without the key, no backup can be restored."
        )
    try:
        return KeyRing.parse(settings.backup_keys.get_secret_value())
    except ValueError as error:
        raise BackupError(f"APPOINT_BACKUP_KEYS is invalid: {error}.") from error


def _folder(url: str) -> Path | None:
    """Return the folder that a path or a file URL names, or None for a bucket."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in url else Path(url).expanduser().absolute()


def _fingerprint(key: bytes) -> str:
    """Return a name for a key that does not reveal it."""
    return sha256(b"appoint backup fingerprint" + key).hexdigest()[:8]


def _derive(key: bytes, name: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"appoint backup {name}".encode()).derive(key)
