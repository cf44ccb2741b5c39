"""The worker's side: copy recordings into our store, and delete them at the provider and, later, in our store.

A recording is only shown once the provider no longer has it. Any number of workers share the work through leases.
"""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog

from ...database.pool import Database
from ...kit import clock, errors
from ...kit.blobs import BlobError, BlobStore, new_key
from ...kit.key_ring import UnreadableError
from ...kit.leases import Pace, serve
from ..providers.gateway import Providers
from ..providers.model import ProviderFailure
from ..providers.port import RecordingSource
from ..settings import repository as settings_repository
from . import repository
from .model import LEASE, MAX_TRIES, LeasedRecording, object_name, retry_delay

log = structlog.get_logger()

PACE: Final = Pace(idle_seconds=5.0, busy_seconds=0.5)
MAX_CONCURRENT: Final = 2


class Archivist(NamedTuple):
    """What copying recordings requires."""

    db: Database
    providers: Providers
    blobs: BlobStore
    now: Callable[[], datetime] = clock.now


async def run(archivist: Archivist, stop: asyncio.Event) -> None:
    """Copy and delete due recordings until `stop` is set."""
    await serve(
        stop,
        name="recordings",
        capacity=MAX_CONCURRENT,
        pace=PACE,
        claim=partial(lease, archivist),
        run=partial(attempt, archivist),
    )


async def lease(archivist: Archivist, limit: int) -> list[LeasedRecording]:
    now = archivist.now()
    return list(await repository.lease_due(archivist.db, now=now, until=now + LEASE, limit=limit))


async def attempt(archivist: Archivist, recording: LeasedRecording) -> None:
    """Do what a leased recording needs next, and record the outcome."""
    steps = {"wanted": _copy, "copied": _delete_at_provider, "deleting": _delete}
    try:
        await steps[recording.state](archivist, recording)
    except errors.Unavailable:  # the database; the lease runs out, and the recording becomes due again
        raise
    except (ProviderFailure, BlobError) as failure:
        await _fail(archivist, recording, str(failure))
    except UnreadableError:  # already logged
        await _fail(archivist, recording, "the connection cannot be decrypted")
    except Exception:
        log.exception("recording not handled", recording_id=str(recording.id), state=recording.state)
        await _fail(archivist, recording, "internal error; see the log")


async def _copy(archivist: Archivist, recording: LeasedRecording) -> None:
    """Copy the recording into our store, and read the copy back to check it."""
    if not await repository.is_allowed(archivist.db, recording):
        return
    source = await _source(archivist, recording)
    key, name = new_key(), object_name(recording.id, recording.clinic_id)
    link = await source.find_recording(recording.provider_id)
    blob = await archivist.blobs.put(name, archivist.providers.download(link), key=key)
    copy, size = hashlib.sha256(), 0
    async for part in archivist.blobs.read(name, key=key, size=blob.size):
        copy.update(part)
        size += len(part)
    if (size, copy.digest()) != (blob.size, blob.sha256) or not size:
        raise BlobError("the copy differs from the recording")
    now = archivist.now()
    if not await repository.mark_copied(archivist.db, recording, key=key, size=blob.size, sha256=blob.sha256, now=now):
        await archivist.blobs.delete([name])


async def _delete_at_provider(archivist: Archivist, recording: LeasedRecording) -> None:
    source = await _source(archivist, recording)
    await source.delete_recording(recording.provider_id)
    delete_at = archivist.now() + timedelta(days=recording.days)
    await repository.mark_stored(archivist.db, recording, delete_at=delete_at)


async def _delete(archivist: Archivist, recording: LeasedRecording) -> None:
    await archivist.blobs.delete([object_name(recording.id, recording.clinic_id)])
    source = await _source(archivist, recording)
    await source.delete_recording(recording.provider_id)
    await repository.remove(archivist.db, recording)


async def _source(archivist: Archivist, recording: LeasedRecording) -> RecordingSource:
    connection = await settings_repository.find_connection(archivist.db, recording.clinic_id, recording.gateway)
    source = archivist.providers.gateway_for(recording.gateway, connection)
    if not isinstance(source, RecordingSource):
        raise ProviderFailure("the provider does not offer recordings")
    return source


async def _fail(archivist: Archivist, recording: LeasedRecording, error: str) -> None:
    now = archivist.now()
    if recording.tries < MAX_TRIES or recording.state == "copied":
        due_at = now + retry_delay(recording.tries)
        await repository.postpone(archivist.db, recording, due_at=due_at, error=error)
    elif recording.state == "wanted":
        await repository.give_up(archivist.db, recording, error=error, now=now)
        log.error("recording given up", recording_id=str(recording.id), reason=error)
    else:
        await repository.remove(archivist.db, recording)
        log.error("recording may still be at the provider", recording_id=str(recording.id), reason=error)
