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
from ...kit.leases import PollIntervals, serve
from ..providers.failures import ProviderFailure
from ..providers.gateway import Providers
from ..providers.port import RecordingSource
from ..settings import repository as settings_repository
from . import repository
from .model import LEASE, MAX_TRIES, LeasedRecording, object_name, retry_delay

log = structlog.get_logger()

PACE: Final = PollIntervals(idle_seconds=5.0, busy_seconds=0.5)
MAX_CONCURRENT: Final = 2


class RecordingCopier(NamedTuple):
    """What copying recordings requires."""

    db: Database
    providers: Providers
    blobs: BlobStore
    now: Callable[[], datetime] = clock.now


async def run(copier: RecordingCopier, stop: asyncio.Event) -> None:
    """Copy and delete due recordings until `stop` is set."""
    await serve(
        stop,
        name="recordings",
        capacity=MAX_CONCURRENT,
        pace=PACE,
        claim=partial(lease, copier),
        run=partial(attempt, copier),
    )


async def lease(copier: RecordingCopier, limit: int) -> list[LeasedRecording]:
    now = copier.now()
    return list(await repository.lease_due(copier.db, now=now, until=now + LEASE, limit=limit))


async def attempt(copier: RecordingCopier, recording: LeasedRecording) -> None:
    """Do what a leased recording needs next, and record the outcome."""
    steps = {"wanted": _copy, "copied": _delete_at_provider, "deleting": _delete}
    try:
        await steps[recording.state](copier, recording)
    except errors.Unavailable:  # the database; the lease runs out, and the recording becomes due again
        raise
    except (ProviderFailure, BlobError) as failure:
        await _fail(copier, recording, str(failure))
    except UnreadableError:  # already logged
        await _fail(copier, recording, "unreadable-settings")
    except Exception:
        log.exception("recording not handled", recording_id=str(recording.id), state=recording.state)
        await _fail(copier, recording, "internal-error")


async def _copy(copier: RecordingCopier, recording: LeasedRecording) -> None:
    """Copy the recording into our store, and read the copy back to check it."""
    if not await repository.is_allowed(copier.db, recording):
        return
    source = await _source(copier, recording)
    key, name = new_key(), object_name(recording.id, recording.clinic_id)
    link = await source.find_recording(recording.provider_id)
    blob = await copier.blobs.put(name, copier.providers.download(link), key=key)
    copy, size = hashlib.sha256(), 0
    async for part in copier.blobs.read(name, key=key, size=blob.size):
        copy.update(part)
        size += len(part)
    if (size, copy.digest()) != (blob.size, blob.sha256) or not size:
        raise BlobError("the copy differs from the recording")
    now = copier.now()
    if not await repository.mark_copied(copier.db, recording, key=key, size=blob.size, sha256=blob.sha256, now=now):
        await copier.blobs.delete([name])


async def _delete_at_provider(copier: RecordingCopier, recording: LeasedRecording) -> None:
    source = await _source(copier, recording)
    await source.delete_recording(recording.provider_id)
    delete_at = copier.now() + timedelta(days=recording.days)
    await repository.mark_stored(copier.db, recording, delete_at=delete_at)


async def _delete(copier: RecordingCopier, recording: LeasedRecording) -> None:
    await copier.blobs.delete([object_name(recording.id, recording.clinic_id)])
    source = await _source(copier, recording)
    await source.delete_recording(recording.provider_id)
    await repository.remove(copier.db, recording)


async def _source(copier: RecordingCopier, recording: LeasedRecording) -> RecordingSource:
    connection = await settings_repository.find_connection(copier.db, recording.clinic_id, recording.gateway)
    source = copier.providers.gateway_for(recording.gateway, connection)
    if not isinstance(source, RecordingSource):
        raise ProviderFailure("no-recordings")
    return source


async def _fail(copier: RecordingCopier, recording: LeasedRecording, error: str) -> None:
    now = copier.now()
    if recording.tries < MAX_TRIES or recording.state == "copied":
        due_at = now + retry_delay(recording.tries)
        await repository.postpone(copier.db, recording, due_at=due_at, error=error)
    elif recording.state == "wanted":
        await repository.give_up(copier.db, recording, error=error, now=now)
        log.error("recording given up", recording_id=str(recording.id), reason=error)
    else:
        await repository.remove(copier.db, recording)
        log.error("recording may still be at the provider", recording_id=str(recording.id), reason=error)
