"""A clinic with a record of every kind, for tests that call all operations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from appoint.database.pool import Database
from appoint.http.openapi import Operation
from appoint.kit import ids
from support.described import address
from support.money_records import create_money_records
from support.world import hours_ahead

UNKNOWN_PERSON = UUID("019a0000-0000-7000-8000-000000000000")

CLINIC_RECORDS = """
with new_clinic as (
    insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id
), new_type as (
    insert into appointment_type (clinic_id, id, name, minutes)
    select id, mint_id(id), 'Check-up', 30 from new_clinic
    returning id
), new_time_slot as (
    insert into time_slot (clinic_id, id, minutes) select id, mint_id(id), '[480,720)' from new_clinic
    returning id
), new_webhook as (
    insert into webhook (clinic_id, id, url, secret)
    select id, mint_id(id), 'https://partner.example.com/', sha256('') from new_clinic
    returning clinic_id, id
), delivery as (
    insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
    select clinic_id, mint_id(clinic_id), id, uuidv7(), 'slot.moved', 'a slot', now() from new_webhook
), template as (
    insert into message_template (clinic_id, id, kind, channel, locale, text)
    select id, mint_id(id), 'reminder', 'sms', 'en', 'Please come.' from new_clinic
), unsealed as (
    insert into audit_unsealed (clinic_id, actor, action) select id, 'system', 'expireHold' from new_clinic
), head as (
    insert into audit_head (clinic_id, position, hash, public_key, signature, sealed_at)
    select id, 0, sha256(''), '', '', now() from new_clinic
)
select new_clinic.id as "clinicId", new_type.id as "appointmentTypeId", new_time_slot.id as "timeSlotId",
       new_webhook.id as "webhookId"
  from new_clinic, new_type, new_time_slot, new_webhook
"""

DOCTOR_RECORDS = """
with new_customer as (
    insert into customer (name, email) values ('Ana', 'ana@example.com') returning id
), new_user as (
    insert into app_user (name, email)
    values ('Rita', format('rita-%s-%s@example.com', $1::int, extract(hour from $2::timestamptz)))
    returning id
), new_doctor as (
    insert into doctor (clinic_id, id, name) values ($1, mint_id($1), 'Dr Shah') returning id
), new_slot as (
    insert into booking_slot (clinic_id, id, doctor_id, date, during)
    select $1, mint_id($1), id, ($2 at time zone 'UTC')::date, tstzrange($2, $2 + interval '3 hours') from new_doctor
    returning id
), new_schedule_line as (
    insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid)
    select $1, mint_id($1), id, 1, '[480,540)', '[2026-01-01,)' from new_doctor
    returning id
), new_absence as (
    insert into absence (clinic_id, id, doctor_id, during)
    select $1, mint_id($1), id, tstzrange(day + interval '22 hours', day + interval '23 hours')
      from new_doctor, date_trunc('day', $2, 'UTC') as day
    returning id
), new_patient as (
    insert into patient (clinic_id, customer_id, notes) select $1, id, 'seen twice' from new_customer
), new_appointment as (
    insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
    select $1, new_id, new_id, new_doctor.id, new_customer.id, during, during
      from new_doctor, new_customer, mint_id($1) as new_id, tstzrange($2, $2 + interval '30 minutes') as during
    returning id, customer_id, doctor_id, during
), new_call as (
    insert into call (clinic_id, id, appointment_id, sequence, gateway, state, during)
    select $1, mint_id($1), id, 0, 'demo', 'dead', during from new_appointment
), new_guest as (
    insert into call_guest (clinic_id, id, appointment_id, name)
    select $1, mint_id($1), id, 'Ines' from new_appointment
    returning id
), new_step as (
    insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id,
                                  during, claimed, overridden, needs_rebooking, sequence)
    select $1, mint_id($1), id, now(), 1, 'booked', false, doctor_id, during, during, '{}', false, 0
      from new_appointment
    returning step_id
), new_notification as (
    insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at,
                              expires_at, status, reason)
    select $1, mint_id($1), 'reminder', id::text, 0, 'customer', customer_id::text, 'email', now(), now(), 'dead',
           'no such mailbox'
      from new_appointment
    returning id
), new_membership as (
    insert into membership (clinic_id, user_id, role) select $1, id, 'receptionist' from new_user
), new_key as (
    insert into api_key (clinic_id, id, name, scopes, secret_hash)
    values ($1, mint_id($1), 'Lab', '{see-patients}', sha256(''))
    returning id
), new_admin_token as (
    insert into admin_token (name, secret_hash, expires_at) values ('Lab', sha256(''), now() + interval '1 day')
    returning id
), new_session as (
    insert into session (token_hash, customer_id, created_at, seen_at, expires_at)
    select sha256(new_id::text::bytea), new_customer.id, now(), now(), $2
      from new_customer, mint_id($1) as new_id
    returning id
), new_carer as (
    insert into customer (name) values ('Cleo'), ('Dan') returning id, name
), carer_patients as (
    insert into patient (clinic_id, customer_id) select $1, id from new_carer
), new_guardianship as (
    insert into guardianship (guardian_id, ward_id, granting_clinic_id, ends_on)
    select new_carer.id, new_customer.id, $1, date '2028-01-01' from new_carer, new_customer where name = 'Cleo'
    returning id
), new_emergency as (
    insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at)
    select $1, mint_id($1), new_doctor.id, new_customer.id, '(erased)', $2 from new_doctor, new_customer
    returning id
)
select new_customer.id as "customerId", new_user.id as "userId", new_doctor.id as "doctorId",
       new_doctor.id as "providerId", new_slot.id as "bookingSlotId", new_schedule_line.id as "doctorSlotId",
       new_absence.id as "absenceId", new_appointment.id as "appointmentId", new_appointment.id as "bookingId",
       new_step.step_id as "stepId", new_notification.id as "notificationId", new_key.id as "apiKeyId",
       new_admin_token.id as "adminTokenId", new_emergency.id as "accessId", new_session.id as "patientSessionId",
       new_guardianship.id as "guardianshipId", new_carer.id as "guardianId",
       new_guest.id as "guestId"
  from new_customer, new_user, new_doctor, new_slot, new_schedule_line, new_absence, new_appointment, new_step,
       new_notification, new_key, new_admin_token, new_emergency, new_session, new_guardianship, new_carer,
       new_guest
 where new_carer.name = 'Dan'
"""


@dataclass
class Records:
    """Ids, keyed by the names that paths and bodies use for them."""

    ids: dict[str, Any]

    def in_path(self, operation: Operation) -> str:
        """Return the operation's path with these ids filled in."""
        names = {name: _name_of_id(operation.path, name) for name in list(operation.parameters)}
        return address(operation, **{name: str(self.ids[key]) for name, key in names.items() if key in self.ids})

    def in_body(self, body: Any) -> Any:
        """Return the body with these ids filled in."""
        if isinstance(body, dict):
            return {name: self._value(name, value) for name, value in body.items()}
        return [self.in_body(each) for each in body] if isinstance(body, list) else body

    def _value(self, name: str, value: Any) -> Any:
        if value is None or name not in self.ids:
            return self.in_body(value)
        return self.ids[name] if isinstance(self.ids[name], int) else str(self.ids[name])


def _name_of_id(path: str, parameter: str) -> str:
    """Return the full name of an id parameter. `{id}` is named after the path segment before it."""
    if parameter != "id":
        return parameter
    return path.split("{id}", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1].removesuffix("s") + "Id"


async def create_clinic_records(db: Database) -> tuple[Records, Records]:
    """Create a clinic with two doctors who have one patient each. Return each doctor's records together with the
    clinic's.
    """
    clinic = dict(await db.fetchrow(CLINIC_RECORDS))
    start = hours_ahead(24 * 7).replace(minute=0, second=0)
    return (
        await _doctor_records(db, clinic, start.replace(hour=9)),
        await _doctor_records(db, clinic, start.replace(hour=14)),
    )


async def _doctor_records(db: Database, clinic: dict[str, Any], start: datetime) -> Records:
    records = dict(await db.fetchrow(DOCTOR_RECORDS, clinic["clinicId"], start))
    money = await create_money_records(db, clinic["clinicId"], records["customerId"], f"AT-{start.hour}")
    return Records(clinic | records | money)


def unknown_records(own: Records) -> Records:
    """Return ids that belong to the same clinic but don't match any record."""
    clinic_id = own.ids["clinicId"]
    people = {"customerId": UNKNOWN_PERSON, "userId": UNKNOWN_PERSON}
    return Records({name: ids.new_id(clinic_id) for name in own.ids} | people | {"clinicId": clinic_id})
