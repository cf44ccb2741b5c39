"""Store the write-ahead log (WAL) continuously, as the server writes it.

The server sends its WAL over a replication connection, and keeps it until it is stored: only then does the slot move
forward. So nothing is lost if this process, the server or the archive fails, as long as the server keeps the WAL
(`max_slot_wal_keep_size`). A slot has one receiver at a time, so any number of workers may try.
"""

import asyncio
import os
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import structlog

from ...database.connector import SILENCE_SECONDS
from ...database.programs import without_password
from . import repository
from .archive import Archive
from .model import SLOT_PREFIX, BackupError, Slot, wal_name

log = structlog.get_logger()

PIECE_BYTES: Final = 16 * 1024 * 1024
RETRY_SECONDS: Final = 5.0
FEEDBACK_SECONDS: Final = 10.0
"""The server ends a connection from which it has not heard for a minute (`wal_sender_timeout`)."""


async def _ignore(*_: object) -> None:
    pass


class Observer(NamedTuple):
    """Functions to call while WAL is stored."""

    on_stream_without_base: Callable[[], Awaitable[None]] = _ignore
    """Called if the stream has no base backup yet, without which its WAL restores nothing."""
    on_stored: Callable[[datetime], Awaitable[None]] = _ignore
    """Called with the moment up to which all changes are stored."""


NO_OBSERVER: Final = Observer()


async def store_continuously(
    archive: Archive, url: str, stop: asyncio.Event, *, seconds: float, observer: Observer = NO_OBSERVER
) -> None:
    """Store WAL until `stop` is set, at most `seconds` after the server has written it. While another process
    does this, wait.

    Raise `BackupError` if it fails; the caller tries again.
    """
    while not stop.is_set():
        slot, _ = await open_slot(url)
        if slot.is_active:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
            continue
        if not any("/about." in stored.name for stored in await archive.list(f"{slot.stream}/base")):
            await observer.on_stream_without_base()
        await _Receiver(archive, slot, seconds, observer).run(url, stop)


async def open_slot(url: str) -> tuple[Slot, bool]:
    """Return the slot, and whether it is new. Replace a slot whose WAL the server has deleted, and drop slots that are
    left from an earlier timeline."""
    async with repository.connection_to(url) as connection:
        await repository.lock(connection)
        position = await repository.read_position(connection)
        for slot in await repository.find_slots(connection):
            if slot.timeline == position.timeline and slot.position is not None:
                return slot, False
            if slot.position is None:
                log.error("WAL was deleted before it was stored", slot=slot.name)
            await repository.drop_slot(connection, slot.name)
        if position.limit == "-1":
            log.warning(
                "backups could fill the server's disk",
                detail="alter system set max_slot_wal_keep_size = '8GB'; select pg_reload_conf()",
            )
        name = f"{SLOT_PREFIX}{os.urandom(6).hex()}_{position.timeline}"
        await repository.create_slot(connection, name)
        (slot,) = [slot for slot in await repository.find_slots(connection) if slot.name == name]
        return slot, True


class _Receiver:
    """Receive one slot's WAL, and store it in pieces."""

    def __init__(self, archive: Archive, slot: Slot, seconds: float, observer: Observer) -> None:
        self._archive: Final = archive
        self._slot: Final = slot
        self._seconds: Final = seconds
        self._observer: Final = observer
        self._buffer = bytearray()
        self._start: int = 0
        self._through = datetime.now(UTC)
        self._began = 0.0

    async def run(self, url: str, stop: asyncio.Event) -> None:
        import psycopg2  # noqa: PLC0415  only workers that make backups need it

        try:
            connection = await asyncio.to_thread(_connect, url)
            with closing(connection):
                cursor = await asyncio.to_thread(self._begin, connection)
                await self._receive(cursor, stop)
        except psycopg2.errors.ObjectInUse:
            await asyncio.sleep(RETRY_SECONDS)  # another process was faster
        except psycopg2.Error as error:
            raise BackupError(f"The WAL cannot be received: {str(error).strip()}") from error

    def _begin(self, connection: Any) -> Any:
        """Start at the beginning of a segment, because recovery reads the first page of every segment that it needs.
        After a pause, part of the WAL is therefore stored twice."""
        assert self._slot.position is not None
        self._start = self._slot.position - self._slot.position % self._slot.segment_bytes
        cursor = connection.cursor()
        cursor.start_replication(slot_name=self._slot.name, start_lsn=self._start, status_interval=FEEDBACK_SECONDS)
        return cursor

    async def _receive(self, cursor: Any, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._drain(cursor)
            if self._buffer and (self._is_full or time.monotonic() - self._began >= self._seconds):
                await self._store(cursor)
            else:
                await _wait_for(cursor, min(1.0, self._seconds))
        self._drain(cursor)
        if self._buffer:
            await self._store(cursor)

    @property
    def _is_full(self) -> bool:
        return len(self._buffer) >= PIECE_BYTES

    def _drain(self, cursor: Any) -> None:
        """Take what the server has sent, up to the size of a piece."""
        while not self._is_full and (message := cursor.read_message()) is not None:
            if not self._buffer:
                self._began = time.monotonic()
            if message.data_start != self._start + len(self._buffer):
                raise BackupError("The server skipped part of the WAL.")
            self._buffer += message.payload
            self._through = message.send_time.astimezone(UTC)

    async def _store(self, cursor: Any) -> None:
        """Store the buffer, then tell the server that it no longer has to keep this part. Until then, tell it regularly
        that this process is alive."""
        data, end = bytes(self._buffer), self._start + len(self._buffer)
        name = wal_name(self._slot.stream, self._start, end, self._through)
        task = asyncio.create_task(self._archive.put(name, _compress(data)))
        while not (await asyncio.wait({task}, timeout=FEEDBACK_SECONDS))[0]:
            cursor.send_feedback()
        await task
        cursor.send_feedback(write_lsn=end, flush_lsn=end, force=True)
        self._start, self._buffer = end, bytearray()
        await self._observer.on_stored(self._through)


async def _wait_for(cursor: Any, seconds: float) -> None:
    """Wait until the server has sent something, or the time is up."""
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()
    loop.add_reader(cursor.fileno(), lambda: arrived.done() or arrived.set_result(None))
    try:
        await asyncio.wait({arrived}, timeout=seconds)
    finally:
        loop.remove_reader(cursor.fileno())


async def _compress(data: bytes) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(zlib.compress, data, 1)


def _connect(url: str) -> Any:
    import psycopg2  # noqa: PLC0415
    from psycopg2.extras import PhysicalReplicationConnection  # noqa: PLC0415

    address, password = without_password(url)
    return psycopg2.connect(
        address,
        password=password,
        connection_factory=PhysicalReplicationConnection,
        connect_timeout=repository.CONNECT_SECONDS,
        tcp_user_timeout=SILENCE_SECONDS * 1000,
    )
