"""Remove rooms at providers that no call needs.

A room is left behind if its provider did not respond when the call ended, if its appointment was deleted, or if the
clinic has changed its provider. Only rooms with names that this installation gave them are removed, because other
systems may use the same account.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from ...database.pool import Database
from ...kit.ids import clinic_of
from ...kit.key_ring import UnreadableError
from ..providers.failures import ProviderFailure
from ..providers.gateway import Providers
from ..providers.model import Connection, FormerConnection, Gateway, read_room_name
from ..providers.port import RoomDirectory
from ..settings import repository as settings_repository
from . import repository
from .model import LEASE, TOKEN_COOLDOWN

log = structlog.get_logger()

MAX_ATTEMPTS: Final = 3
TOKEN_WAIT_SECONDS: Final = 0.1
MAX_TOKEN_SECONDS: Final = 120.0
"""Longer than a dead worker's tokens stay taken."""


class ProviderAccount(NamedTuple):
    """A provider's account, which several clinics can share."""

    gateway: Gateway
    connection: Connection
    former_clinics: dict[int, FormerConnection]
    """The clinics that used it before."""


async def remove_all(db: Database, providers: Providers, *, now: datetime) -> int:
    """Remove orphaned rooms at all providers, and delete connections to former providers that are no longer needed.
    Return how many rooms there were. A provider that is unavailable is tried again the next night."""
    count = 0
    for account in await _list_accounts(db):
        directory = providers.gateway_for(account.gateway, account.connection)
        try:
            if isinstance(directory, RoomDirectory):
                count += await _remove_orphans(db, account, directory, secret=providers.secret, now=now)
        except (ProviderFailure, TimeoutError) as failure:
            log.warning("orphaned rooms not removed", gateway=account.gateway, reason=str(failure) or "too slow")
        else:
            for clinic_id, former in account.former_clinics.items():
                if await db.atomic(settings_repository.delete_former, clinic_id, former):
                    log.info("secret of former call provider deleted", clinic_id=clinic_id, gateway=former.gateway)
    return count


async def _list_accounts(db: Database) -> list[ProviderAccount]:
    accounts: dict[tuple[Gateway, str, str], ProviderAccount] = {}
    for clinic_id in await settings_repository.list_clinics(db):
        try:
            stored = await settings_repository.find(db, clinic_id)
        except UnreadableError:  # already logged
            continue
        if stored is None or stored.gateway == "off" or stored.connection is None:
            continue
        former = stored.connection.former
        _add(accounts, stored.gateway, stored.connection)
        if former:
            _add(accounts, former.gateway, former.connection).former_clinics[clinic_id] = former
    return list(accounts.values())


def _add(
    accounts: dict[tuple[Gateway, str, str], ProviderAccount], gateway: Gateway, connection: Connection
) -> ProviderAccount:
    return accounts.setdefault((gateway, connection.url, connection.secret), ProviderAccount(gateway, connection, {}))


async def _remove_orphans(
    db: Database, account: ProviderAccount, directory: RoomDirectory, *, secret: str, now: datetime
) -> int:
    """Remove one account's orphaned rooms. Return how many there were. Raise `ProviderFailure` if any of them
    could not be removed."""
    gateway = account.gateway
    rooms: dict[UUID, str] = {}
    async with _token(db, gateway):
        for name in await _list(directory):
            if call_id := read_room_name(secret, name):
                rooms[call_id] = name
    # each call is stored before its room is made, so every room in the list that is needed has its call by now
    left = [call_id for call_id in rooms if clinic_of(call_id) in account.former_clinics]
    current = [call_id for call_id in rooms if clinic_of(call_id) not in account.former_clinics]
    unknown = await repository.find_unknown(db, current) | await repository.find_moved(db, left, gateway=gateway)
    failures: list[ProviderFailure] = []
    for call_id in unknown:
        async with _token(db, gateway):
            failures += await _remove(directory, rooms[call_id])
    # a call that has ended can be revived, so the job that holds its lease ends its room
    ended = await repository.end_again(db, current, now=now)
    if unknown or ended:
        log.info("orphaned rooms removed", gateway=gateway, unknown=len(unknown), ended=ended, failed=len(failures))
    if failures:
        raise failures[0]
    return len(unknown) + ended


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
