"""Use cases around recordings: consent, the doctor's decision, and watching."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.blobs import BlobStore
from ...kit.ids import clinic_of
from . import repository
from .model import WORDS_VERSION, Recording, RecordingTerms, StoredRecording, object_name


async def find_terms(db: Statements, appointment_id: UUID) -> RecordingTerms | None:
    """Return what decides whether a visit can be recorded, or None if that is not on offer."""
    terms = await repository.find_terms(db, appointment_id)
    return terms if terms and (terms.is_offered or terms.consent_at) else None


async def consent(tx: Transaction, actor: Actor, *, appointment_id: UUID, language: str, now: datetime) -> None:
    """Record that the patient agrees to the recording of this visit. Raise `NotFound` if the clinic does not offer
    any."""
    terms = await find_terms(tx, appointment_id)
    if terms is None or not terms.is_offered:
        raise errors.NotFound
    await repository.add_consent(
        tx, appointment_id, words_version=WORDS_VERSION, language=language, given_by=actor.key, now=now
    )
    await audit.record(tx, actor, clinic_id=clinic_of(appointment_id), subjects=[appointment_id])


async def withdraw(tx: Transaction, actor: Actor, *, appointment_id: UUID, now: datetime) -> None:
    """Withdraw the patient's consent, which also deletes what has been recorded."""
    if await repository.withdraw_consent(tx, appointment_id, now=now):
        await repository.delete_of_appointment(tx, appointment_id, now=now)
        await audit.record(tx, actor, clinic_id=clinic_of(appointment_id), subjects=[appointment_id])


async def request(tx: Transaction, actor: Actor, *, appointment_id: UUID, call_id: UUID, now: datetime | None) -> None:
    """Record the doctor's decision to record a visit, or not to with None. Raise `NotFound` without the patient's
    consent."""
    terms = await find_terms(tx, appointment_id)
    if now and (terms is None or not terms.is_offered or terms.consent_at is None):
        raise errors.NotFound
    if not await repository.request(tx, call_id, now=now):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_of(appointment_id), subjects=[appointment_id])


async def list_stored(db: Statements, appointment_id: UUID) -> Sequence[Recording]:
    return await repository.list_stored(db, appointment_id)


async def open_recording(tx: Transaction, actor: Actor, *, appointment_id: UUID, recording_id: UUID) -> StoredRecording:
    """Return a recording for its doctor to watch, and record the look. Raise `NotFound` if there is none."""
    if clinic_of(recording_id) != clinic_of(appointment_id):
        raise errors.NotFound
    recording = await repository.find_stored(tx, recording_id, appointment_id=appointment_id)
    if recording is None:
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_of(appointment_id), subjects=[appointment_id, recording_id])
    return recording


def read(blobs: BlobStore, recording: StoredRecording, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the recording's bytes from `start` up to but not including `end`."""
    name = object_name(recording.id, clinic_of(recording.id))
    return blobs.read(name, key=recording.key, size=recording.size, start=start, end=end)


async def note_ready(db: Database, actor: Actor, *, call_id: UUID, provider_id: str, now: datetime) -> None:
    """Have a recording copied if all three keys have turned, and otherwise deleted at the provider."""

    async def note(tx: Transaction) -> None:
        if await repository.note_ready(tx, call_id, provider_id=provider_id, now=now):
            await audit.record(tx, actor, clinic_id=clinic_of(call_id), subjects=[call_id])

    await db.within(clinic_of(call_id)).atomic(note)
