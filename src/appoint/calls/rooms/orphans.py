"""Remove rooms at providers that no call needs.

A room is left behind if its provider did not respond when the call ended, or if its appointment was deleted. Only rooms
with names that this installation gave them are removed, because other systems may use the same account.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from ...database.pool import Database
from ...kit.key_ring import UnreadableError
from ..providers.gateway import Providers
from ..providers.model import Connection, Gateway, ProviderFailure, read_room_name
from ..providers.port import RoomDirectory
from ..settings import repository as settings_repository
from . import repository
from .model import LEASE, TOKEN_COOLDOWN, WITH_RATE_LIMIT

log = structlog.get_logger()

MAX_ATTEMPTS: Final = 3
TOKEN_WAIT_SECONDS: Final = 0.1
MAX_TOKEN_SECONDS: Final = 120.0
"""Longer than a dead worker's tokens stay taken."""


async def remove_all(db: Database, providers: Providers, *, now: datetime) -> int:
    """Remove orphaned rooms at all providers. Return how many there were. A provider that is unavailable is tried again
    the next night."""
    accounts: dict[tuple[Gateway, str, str], Connection] = {}
    for clinic_id in await settings_repository.list_clinics(db, WITH_RATE_LIMIT):
        try:
            stored = await settings_repository.find(db, clinic_id)
        except UnreadableError:  # already logged
            continue
        if stored and stored.connection:  # several clinics can share an account
            accounts[stored.gateway, stored.connection.url, stored.connection.secret] = stored.connection
    count = 0
    for (gateway, _, _), connection in accounts.items():
        directory = providers.gateway_for(gateway, connection)
        if not isinstance(directory, RoomDirectory):
            continue
        try:
            count += await remove(db, directory, gateway, secret=providers.secret, now=now)
        except (ProviderFailure, TimeoutError) as failure:
            log.warning("orphaned rooms not removed", gateway=gateway, reason=str(failure) or "too slow")
    return count


async def remove(db: Database, directory: RoomDirectory, gateway: Gateway, *, secret: str, now: datetime) -> int:
    """Remove one account's orphaned rooms. Return how many there were. Raise `ProviderFailure`."""
    rooms: dict[UUID, str] = {}
    async with _token(db, gateway):
        for name in await _list(directory):
            if call_id := read_room_name(secret, name):
                rooms[call_id] = name
    # each call is stored before its room is made, so every room in the list that is needed has its call by now
    unknown = await repository.find_unknown(db, list(rooms))
    failures: list[ProviderFailure] = []
    for call_id in unknown:
        async with _token(db, gateway):
            failures += await _remove(directory, rooms[call_id])
    # a call that has ended can be revived, so the job that holds its lease ends its room
    ended = await repository.end_again(db, list(rooms), now=now)
    if unknown or ended:
        log.info("orphaned rooms removed", gateway=gateway, unknown=len(unknown), ended=ended, failed=len(failures))
    return len(unknown) - len(failures) + ended


async def _list(directory: RoomDirectory) -> list[str]:
    for _ in range(MAX_ATTEMPTS - 1):
        with suppress(ProviderFailure):
            return [name async for name in directory.list_rooms()]
    return [name async for name in directory.list_rooms()]


async def _remove(directory: RoomDirectory, name: str) -> list[ProviderFailure]:
    """Return the last failure, or None if the room is gone."""
    failures: list[ProviderFailure] = []
    for _ in range(MAX_ATTEMPTS):
        try:
            await directory.remove(name)
        except ProviderFailure as failure:
            failures = [failure]
        else:
            return []
    return failures


@asynccontextmanager
async def _token(db: Database, gateway: Gateway) -> AsyncGenerator[None]:
    """Wait for one of the provider's tokens. Raise `TimeoutError` if none becomes free."""
    async with asyncio.timeout(MAX_TOKEN_SECONDS):
        while (number := await repository.take_token(db, gateway=gateway, lease=LEASE)) is None:  # noqa: ASYNC110  another process frees it
            await asyncio.sleep(TOKEN_WAIT_SECONDS)
    try:
        yield
    finally:
        await repository.release_token(db, gateway=gateway, number=number, after=TOKEN_COOLDOWN)
