"""SQL for recordings. A recording's key is encrypted. Jobs work across all clinics."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Statements, affected
from ...database.sql import load
from ...kit.ids import clinic_of, new_id
from ...kit.key_ring import UNREADABLE, EncryptedField, UnreadableError
from .model import CAN_RECORD, LeasedRecording, Recording, RecordingTerms, StoredRecording

FIND_TERMS: Final = load(__name__, "find_terms")
LEASE_DUE: Final = load(__name__, "lease_due")
NOTE_READY: Final = load(__name__, "note_ready")


async def find_terms(db: Statements, appointment_id: UUID) -> RecordingTerms | None:
    """Return what decides whether a visit can be recorded, or None if it has no call."""
    row = await db.fetchrow(
        FIND_TERMS, clinic_id=clinic_of(appointment_id), appointment_id=appointment_id, gateways=sorted(CAN_RECORD)
    )
    return RecordingTerms(row.is_offered, row.days, row.consent_at, row.requested_at) if row else None


async def add_consent(
    tx: Statements, appointment_id: UUID, *, words_version: int, language: str, given_by: str, now: datetime
) -> bool:
    """Record the patient's consent. Return False if it was recorded already."""
    clinic_id = clinic_of(appointment_id)
    tag = await tx.execute(
        """
        insert into recording_consent (clinic_id, id, appointment_id, words_version, language, given_by, given_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (clinic_id, live_appointment_id) do nothing
        """,
        clinic_id,
        new_id(clinic_id),
        appointment_id,
        words_version,
        language,
        given_by,
        now,
    )
    return affected(tag) == 1


async def withdraw_consent(tx: Statements, appointment_id: UUID, *, now: datetime) -> bool:
    """Return False if there is no consent to withdraw."""
    tag = await tx.execute(
        "update recording_consent set withdrawn_at = $3 where clinic_id = $1 and live_appointment_id = $2",
        clinic_of(appointment_id),
        appointment_id,
        now,
    )
    return affected(tag) == 1


async def request(tx: Statements, call_id: UUID, *, now: datetime | None) -> bool:
    """Record the doctor's decision to record a call, or not to with None. Return False if the call has ended."""
    tag = await tx.execute(
        """
        update call set recording_requested_at = $3, version = version + 1
         where clinic_id = $1 and id = $2 and live_appointment_id is not null
        """,
        clinic_of(call_id),
        call_id,
        now,
    )
    return affected(tag) == 1


async def note_ready(tx: Statements, call_id: UUID, *, provider_id: str, now: datetime) -> bool:
    """Have a recording copied or deleted. Return False if that is under way already."""
    tag = await tx.execute(NOTE_READY, clinic_id=clinic_of(call_id), call_id=call_id, provider_id=provider_id, now=now)
    return affected(tag) == 1


async def list_stored(db: Statements, appointment_id: UUID) -> list[Recording]:
    """Return an appointment's recordings, oldest first."""
    rows = await db.fetch(
        """
        select r.id, r.created_at, r.bytes, r.delete_at
          from recording r
          join call c on c.clinic_id = $1 and c.id = r.call_id
         where r.clinic_id = $1 and c.appointment_id = $2 and r.state = 'stored'
         order by r.id
        """,
        clinic_of(appointment_id),
        appointment_id,
    )
    return [Recording(row.id, row.created_at, row.bytes, row.delete_at) for row in rows]


async def find_stored(db: Statements, recording_id: UUID, *, appointment_id: UUID) -> StoredRecording | None:
    """Raise `UnreadableError` if the key cannot be decrypted."""
    row = await db.fetchrow(
        """
        select r.id, r.bytes, r.key
          from recording r
          join call c on c.clinic_id = $1 and c.id = r.call_id
         where r.clinic_id = $1 and r.id = $2 and c.appointment_id = $3 and r.state = 'stored'
        """,
        clinic_of(appointment_id),
        recording_id,
        appointment_id,
    )
    if row is None:
        return None
    text = db.keys.decrypt(row.key, EncryptedField.RECORDING_KEY, row.id)
    if text is None or text == UNREADABLE:
        raise UnreadableError("recording key")
    return StoredRecording(row.id, row.bytes, b64decode(text))


async def delete_of_appointment(tx: Statements, appointment_id: UUID, *, now: datetime) -> None:
    """Forget the keys of an appointment's recordings, and let a job delete what is left of them."""
    await tx.execute(
        """
        update recording r
           set state = 'deleting', key = null, bytes = null, sha256 = null, delete_at = null,
               due_at = greatest($3, r.leased_until), tries = 0
          from call c
         where r.clinic_id = $1 and c.clinic_id = $1 and c.id = r.call_id and c.appointment_id = $2
           and r.state <> 'deleting'
        """,
        clinic_of(appointment_id),
        appointment_id,
        now,
    )


async def erase(tx: Statements, customer_id: UUID, *, now: datetime) -> None:
    """Forget the keys of an erased customer's recordings at all clinics, and their consents."""
    await tx.execute(
        """
        update recording r
           set state = 'deleting', key = null, bytes = null, sha256 = null, delete_at = null,
               due_at = greatest($2, r.leased_until), tries = 0
          from call c
          join appointment a on a.clinic_id = c.clinic_id and a.id = c.appointment_id
         where a.customer_id = $1 and r.clinic_id = c.clinic_id and r.call_id = c.id and r.state <> 'deleting'
        """,
        customer_id,
        now,
    )
    await tx.execute(
        """
        delete from recording_consent r
         using appointment a
         where a.customer_id = $1 and r.clinic_id = a.clinic_id and r.appointment_id = a.id
        """,
        customer_id,
    )


async def expire(db: Statements, *, now: datetime) -> int:
    """Forget the keys of recordings whose retention period is over, at all clinics. Return how many there were. The
    period of a recording that cannot be deleted at the provider starts when it was reported."""
    tag = await db.execute(
        """
        update recording r
           set state = 'deleting', key = null, bytes = null, sha256 = null, delete_at = null,
               due_at = greatest($1, leased_until), tries = 0
         where delete_at <= $1
            or state = 'copied' and created_at <= $1 - make_interval(days => coalesce(
                 (select recording_days from call_settings s where s.clinic_id = r.clinic_id), 30))
        """,
        now,
    )
    return affected(tag)


async def lease_due(db: Statements, *, now: datetime, until: datetime, limit: int) -> Sequence[LeasedRecording]:
    """Lease due recordings, across all clinics, until the given time."""
    rows = await db.fetch(LEASE_DUE, now=now, until=until, limit=limit)
    return [
        LeasedRecording(
            row.clinic_id, row.id, row.call_id, row.gateway, row.provider_id, row.state, row.tries, row.days
        )
        for row in rows
    ]


async def is_allowed(db: Statements, recording: LeasedRecording) -> bool:
    """Return whether the recording is still wanted."""
    return await db.fetchval(
        "select exists (select from recording where clinic_id = $1 and id = $2 and state = 'wanted' and tries = $3)",
        recording.clinic_id,
        recording.id,
        recording.tries,
    )


async def mark_copied(
    db: Statements, recording: LeasedRecording, *, key: bytes, size: int, sha256: bytes, now: datetime
) -> bool:
    """Return False if the recording must no longer be stored."""
    tag = await db.execute(
        """
        update recording set state = 'copied', key = $4, bytes = $5, sha256 = $6, due_at = $7, leased_until = null,
                             tries = 0, error = null
         where clinic_id = $1 and id = $2 and tries = $3 and state = 'wanted'
        """,
        recording.clinic_id,
        recording.id,
        recording.tries,
        db.keys.encrypt(b64encode(key).decode(), EncryptedField.RECORDING_KEY, recording.id),
        size,
        sha256,
        now,
    )
    return affected(tag) == 1


async def mark_stored(db: Statements, recording: LeasedRecording, *, delete_at: datetime) -> None:
    await db.execute(
        """
        update recording set state = 'stored', due_at = null, leased_until = null, error = null, delete_at = $4
         where clinic_id = $1 and id = $2 and tries = $3 and state = 'copied'
        """,
        recording.clinic_id,
        recording.id,
        recording.tries,
        delete_at,
    )


async def remove(db: Statements, recording: LeasedRecording) -> None:
    """Delete the row of a recording of which nothing is left."""
    await db.execute(
        "delete from recording where clinic_id = $1 and id = $2 and tries = $3 and state = 'deleting'",
        recording.clinic_id,
        recording.id,
        recording.tries,
    )


async def postpone(db: Statements, recording: LeasedRecording, *, due_at: datetime, error: str) -> None:
    """Let the recording be tried again later. One that cannot be copied is deleted in the end."""
    await db.execute(
        """
        update recording
           set due_at = $4, leased_until = null, error = $5
         where clinic_id = $1 and id = $2 and tries = $3
        """,
        recording.clinic_id,
        recording.id,
        recording.tries,
        due_at,
        error,
    )


async def give_up(db: Statements, recording: LeasedRecording, *, error: str, now: datetime) -> None:
    """Stop copying a recording, and let a job delete what is left of it."""
    await db.execute(
        """
        update recording
           set state = 'deleting', key = null, bytes = null, sha256 = null, due_at = $4, leased_until = null, tries = 0,
               error = $5
         where clinic_id = $1 and id = $2 and tries = $3 and state = 'wanted'
        """,
        recording.clinic_id,
        recording.id,
        recording.tries,
        now,
        error,
    )
