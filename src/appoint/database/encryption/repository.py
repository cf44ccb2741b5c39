"""SQL for encrypted values, whichever feature they belong to. It never changes a value's plaintext or a row's
version."""

from collections.abc import Sequence
from typing import Final

from ...kit.key_ring import EncryptedField
from ..pool import Row, Statements, affected
from ..sql import load
from .model import EncryptedColumn, KeyUse, StoredValue

COUNT_BY_KEY: Final = load(__name__, "count_by_key")
# The statements that update appointments contain no joins, so that they never scan a constraint's index repeatedly
# (decision 27).
COLUMNS: Final = (
    EncryptedColumn(
        "patient.notes",
        EncryptedField.PATIENT_NOTES,
        """
        select clinic_id, customer_id as id, notes as value
          from patient
         where (clinic_id, customer_id) > ($1, $2) and notes !~ $3
         order by clinic_id, customer_id
         limit $4
        """,
        """
        update patient p
           set notes = n.new
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where p.clinic_id = n.clinic_id and p.customer_id = n.id and p.notes = n.old
        """,
    ),
    EncryptedColumn(
        "appointment.notes",
        EncryptedField.APPOINTMENT_NOTES,
        """
        select clinic_id, id, notes as value
          from appointment
         where (clinic_id, id) > ($1, $2) and notes !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update appointment
           set notes = ($4::text[])[array_position($2::uuid[], id)]
         where clinic_id = any($1::integer[]) and id = any($2)
           and notes = ($3::text[])[array_position($2, id)]
        """,
    ),
    EncryptedColumn(
        "appointment.cancel_reason",
        EncryptedField.CANCEL_REASON,
        """
        select clinic_id, id, cancel_reason as value
          from appointment
         where (clinic_id, id) > ($1, $2) and cancel_reason !~ $3 and cancel_cause is distinct from 'hold-expired'
         order by clinic_id, id
         limit $4
        """,
        """
        update appointment
           set cancel_reason = ($4::text[])[array_position($2::uuid[], id)]
         where clinic_id = any($1::integer[]) and id = any($2)
           and cancel_reason = ($3::text[])[array_position($2, id)]
           and cancel_cause is distinct from 'hold-expired'
        """,
    ),
    EncryptedColumn(
        "appointment.override_reason",
        EncryptedField.OVERRIDE_REASON,
        """
        select clinic_id, id, override_reason as value
          from appointment
         where (clinic_id, id) > ($1, $2) and override_reason !~ $3 and override_reason <> '(erased)'
         order by clinic_id, id
         limit $4
        """,
        """
        update appointment
           set override_reason = ($4::text[])[array_position($2::uuid[], id)]
         where clinic_id = any($1::integer[]) and id = any($2)
           and override_reason = ($3::text[])[array_position($2, id)]
        """,
    ),
    EncryptedColumn(
        "appointment.staff_notes",
        EncryptedField.STAFF_NOTES,
        """
        select clinic_id, id, staff_notes as value
          from appointment
         where (clinic_id, id) > ($1, $2) and staff_notes !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update appointment
           set staff_notes = ($4::text[])[array_position($2::uuid[], id)]
         where clinic_id = any($1::integer[]) and id = any($2)
           and staff_notes = ($3::text[])[array_position($2, id)]
        """,
    ),
    EncryptedColumn(
        "appointment_step.override_reason",
        EncryptedField.OVERRIDE_REASON,
        """
        select distinct clinic_id, appointment_id as id, override_reason as value
          from appointment_step
         where (clinic_id, appointment_id) > ($1, $2) and override_reason !~ $3 and override_reason <> '(erased)'
         order by clinic_id, appointment_id
         limit $4
        """,
        """
        update appointment_step s
           set override_reason = n.new
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where s.clinic_id = n.clinic_id and s.appointment_id = n.id and s.override_reason = n.old
        """,
    ),
    EncryptedColumn(
        "absence.reason",
        EncryptedField.ABSENCE_REASON,
        """
        select clinic_id, id, reason as value
          from absence
         where (clinic_id, id) > ($1, $2) and reason !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update absence a
           set reason = n.new
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where a.clinic_id = n.clinic_id and a.id = n.id and a.reason = n.old
        """,
    ),
    EncryptedColumn(
        "emergency_access.reason",
        EncryptedField.EMERGENCY_REASON,
        """
        select clinic_id, id, reason as value
          from emergency_access
         where (clinic_id, id) > ($1, $2) and reason !~ $3 and reason <> '(erased)'
         order by clinic_id, id
         limit $4
        """,
        """
        update emergency_access e
           set reason = n.new
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where e.clinic_id = n.clinic_id and e.id = n.id and e.reason = n.old
        """,
    ),
    EncryptedColumn(
        "call_settings.connection",
        EncryptedField.CALL_CONNECTION,
        """
        select clinic_id, id, connection as value
          from call_settings
         where (clinic_id, id) > ($1, $2) and connection !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update call_settings s
           set connection = n.new
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where s.clinic_id = n.clinic_id and s.id = n.id and s.connection = n.old
        """,
    ),
    EncryptedColumn(
        "recording.key",
        EncryptedField.RECORDING_KEY,
        """
        select clinic_id, id, key as value
          from recording
         where (clinic_id, id) > ($1, $2) and key !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update recording r
           set key = n.new
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where r.clinic_id = n.clinic_id and r.id = n.id and r.key = n.old
        """,
    ),
    EncryptedColumn(
        "app_user.totp_secret",
        EncryptedField.TOTP_SECRET,
        """
        select 0 as clinic_id, id, encode(totp_secret, 'hex') as value
          from app_user
         where (0, id) > ($1, $2) and encode(totp_secret, 'escape') !~ $3
         order by id
         limit $4
        """,
        """
        update app_user u
           set totp_secret = decode(n.new, 'hex')
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where u.id = n.id and u.totp_secret = decode(n.old, 'hex')
        """,
        is_binary=True,
    ),
    EncryptedColumn(
        "webhook.secret",
        EncryptedField.WEBHOOK_SECRET,
        """
        select clinic_id, id, encode(secret, 'hex') as value
          from webhook
         where (clinic_id, id) > ($1, $2) and encode(secret, 'escape') !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update webhook w
           set secret = decode(n.new, 'hex')
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where w.clinic_id = n.clinic_id and w.id = n.id and w.secret = decode(n.old, 'hex')
        """,
        is_binary=True,
    ),
    EncryptedColumn(
        "webhook.old_secret",
        EncryptedField.WEBHOOK_SECRET,
        """
        select clinic_id, id, encode(old_secret, 'hex') as value
          from webhook
         where (clinic_id, id) > ($1, $2) and encode(old_secret, 'escape') !~ $3
         order by clinic_id, id
         limit $4
        """,
        """
        update webhook w
           set old_secret = decode(n.new, 'hex')
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) as n (clinic_id, id, old, new)
         where w.clinic_id = n.clinic_id and w.id = n.id and w.old_secret = decode(n.old, 'hex')
        """,
        is_binary=True,
    ),
)


async def find_outdated(
    db: Statements, column: EncryptedColumn, *, after: StoredValue, current: str, limit: int
) -> list[StoredValue]:
    """Return the next rows whose value is not encrypted with the newest key, ordered by id."""
    rows: list[Row] = await db.run("fetch", column.find, (after.clinic_id, after.id, current, limit))
    return [StoredValue(row.clinic_id, row.id, row.value) for row in rows]


async def replace(db: Statements, column: EncryptedColumn, stored: Sequence[StoredValue], values: Sequence[str]) -> int:
    """Replace the values, except in rows that have changed in the meantime. Return how many were replaced."""
    rows = ([each.clinic_id for each in stored], [each.id for each in stored], [each.value for each in stored])
    return affected(await db.run("execute", column.replace, (*rows, list(values))))


async def count_by_key(db: Statements) -> list[KeyUse]:
    """Return how many values are encrypted with each key, by column. Reads all encrypted columns."""
    return [KeyUse(*row.values()) for row in await db.fetch(COUNT_BY_KEY)]
