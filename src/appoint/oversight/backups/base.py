"""Make base backups: copies of a running server's files, from PostgreSQL's pg_basebackup."""

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Final, NamedTuple

import msgspec

from ...database.programs import find_program, without_password
from . import repository
from .archive import Archive
from .model import INSTANT, Backup, BackupError, StoredObject

READ_BYTES: Final = 1024 * 1024
POLL_SECONDS: Final = 0.5


async def make(
    archive: Archive, url: str, stream: str, *, database: str, login: str, is_embedded: bool, revision: str
) -> Backup:
    """Store a base backup, wait until the WAL that it needs is stored, and then store its description. Another task or
    process has to store the stream's WAL at the same time. Raise `BackupError`.
    """
    before = await read_position(url)
    id = f"{before.now.astimezone(UTC):{INSTANT}}-{os.urandom(4).hex().upper()}"
    files, blob = await archive.put(f"{stream}/base/{id}/files", _copy(url))
    after = await read_position(url)
    await wait_until_stored(url, stream, after.end)
    backup = Backup(
        stream=stream,
        id=id,
        started_at=before.now,
        ended_at=after.now,
        start=before.end,
        end=after.end,
        segment_bytes=before.segment_bytes,
        database=database,
        login=login,
        is_embedded=is_embedded,
        revision=revision,
        object=files.name,
        size=blob.size,
        sha256=blob.sha256.hex(),
    )
    await archive.put(f"{stream}/base/{id}/about", _once(msgspec.json.encode(backup)))
    return backup


class Descriptions(NamedTuple):
    backups: list[Backup]
    """Oldest first."""
    errors: list[BackupError]
    """One for each description that cannot be read."""


async def find_all(archive: Archive, objects: list[StoredObject]) -> Descriptions:
    """Return the complete base backups among the objects. Raise `BackupError` if none of them can be read."""
    result = Descriptions([], [])
    for stored in objects:
        if "/about." not in stored.name:
            continue
        try:
            result.backups.append(msgspec.json.decode(await archive.read_whole(stored), type=Backup))
        except BackupError as error:
            result.errors.append(error)
        except msgspec.DecodeError:
            result.errors.append(BackupError(f"{stored.name} cannot be restored: it is damaged."))
    if result.errors and not result.backups:
        raise result.errors[0]
    result.backups.sort(key=lambda backup: backup.ended_at)
    return result


async def read_position(url: str) -> repository.Position:
    async with repository.connection_to(url) as connection:
        return await repository.read_position(connection)


async def wait_until_stored(url: str, stream: str, end: int) -> None:
    """Wait until the WAL up to this position is stored. Raise `BackupError` if the server has deleted it."""
    async with repository.connection_to(url) as connection:
        while True:
            positions = {slot.stream: slot.position for slot in await repository.find_slots(connection)}
            stored = positions.get(stream)
            if stored is None:
                raise BackupError("The server deleted WAL before it was stored, so this backup is incomplete.")
            if stored >= end:
                return
            await asyncio.sleep(POLL_SECONDS)


async def _copy(url: str) -> AsyncIterator[bytes]:
    """Yield the server's files as a gzipped tar archive, with a list of their checksums at its end."""
    address = without_password(url)
    process = await asyncio.create_subprocess_exec(
        find_program("pg_basebackup"),
        f"--dbname={address.url}",
        "--pgdata=-",
        "--format=tar",
        "--wal-method=none",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        "--label=appoint",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**address.environment, "PGCONNECT_TIMEOUT": str(repository.CONNECT_SECONDS)},
    )
    assert process.stdout
    assert process.stderr
    errors = asyncio.create_task(process.stderr.read())
    packer = zlib.compressobj(1, wbits=31)
    try:
        while part := await process.stdout.read(READ_BYTES):
            yield await asyncio.to_thread(packer.compress, part)
        if await process.wait():
            lines = (await errors).decode(errors="replace").strip().splitlines() or ["no error message"]
            raise BackupError(f"pg_basebackup failed: {lines[-1]}")
        yield packer.flush()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await errors


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
