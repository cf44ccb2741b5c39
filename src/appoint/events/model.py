"""The catalogue of events: one struct per fact, in the past tense. What a fact holds is ids, times and numbers, never
anything of a person's."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
AppointmentStatus = Literal["pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow"]


class Fact(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """The `data` of an event."""


class AppointmentFact(Fact):
    booking_id: UUID
    doctor_id: UUID
    customer_id: UUID
    start_time: Instant
    end_time: Instant
    sequence: int
    """Counts changes of when, with whom and whether, as iCalendar does."""


class AppointmentStep(AppointmentFact):
    old_status: AppointmentStatus | UnsetType = UNSET
    """Unset for one that was just made."""


class AppointmentBooked(AppointmentStep):
    """An appointment was booked, or a hold was confirmed."""


class AppointmentHeld(AppointmentFact):
    """A time is held for a customer until it is confirmed or the hold runs out."""

    hold_expires_at: Instant


class AppointmentHoldExpired(AppointmentStep):
    """A hold ran out; its time is free again."""


class AppointmentArrived(AppointmentStep):
    """The customer is here."""


class AppointmentUnarrived(AppointmentStep):
    """The customer is not here after all."""


class AppointmentCheckedIn(AppointmentStep):
    """The customer is ready to be called."""


class AppointmentFulfilled(AppointmentStep):
    """The appointment took place."""


class AppointmentMissed(AppointmentStep):
    """The customer did not come."""


class AppointmentCancelled(AppointmentStep):
    """An appointment, or a hold, was cancelled."""


class AppointmentRescheduled(AppointmentFact):
    """An appointment has another time, another doctor, or both."""

    old_doctor_id: UUID
    old_start_time: Instant
    old_end_time: Instant


class AppointmentChanged(Fact):
    """Something about an appointment changed that is neither its time nor its status, such as its notes."""


class AppointmentStranded(Fact):
    """An absence or a change of schedule left an appointment outside its doctor's hours; it needs rebooking."""

    doctor_id: UUID


class AppointmentCovered(Fact):
    """A stranded appointment lies within its doctor's hours again."""

    doctor_id: UUID


class SlotPublished(Fact):
    """A booking slot was published by hand."""

    doctor_id: UUID
    start_time: Instant
    end_time: Instant


class SlotMoved(SlotPublished):
    """A booking slot got other bounds."""

    old_start_time: Instant
    old_end_time: Instant


class SlotWithdrawn(SlotPublished):
    """A booking slot was removed by hand."""


class SlotsGenerated(Fact):
    """Booking slots were published from weekly schedules: `created` of them. The subject is the doctor, or the clinic
    for all its doctors."""

    created: int
    from_: date = msgspec.field(name="from")
    to: date
    absence_id: UUID | UnsetType = UNSET
    """That ended and made them possible again."""


class SlotsWithdrawn(Fact):
    """Published time was withdrawn: `count` booking slots lost some or all of it."""

    count: int
    from_: Instant = msgspec.field(name="from")
    doctor_id: UUID | UnsetType = UNSET
    absence_id: UUID | UnsetType = UNSET
    """That is the reason."""
    stranded: int = 0
    """Appointments that stand there all the same, and need rebooking."""


class ScheduleChanged(Fact):
    """A doctor's weekly schedule changed. Nothing that is published did: see `schedule.applied`."""

    doctor_id: UUID
    doctor_slot_id: UUID | UnsetType = UNSET
    time_slot_id: UUID | UnsetType = UNSET
    valid_from: date | UnsetType = UNSET


class ScheduleApplied(Fact):
    """Published hours were made to agree with weekly schedules. The subject is the doctor, or the clinic for all its
    doctors."""

    from_: date = msgspec.field(name="from")
    to: date
    added: int
    removed: int
    kept: int
    stranded: int


class TimeSlotFact(Fact):
    time_slot_id: UUID


class TimeSlotAdded(TimeSlotFact):
    """A clinic has a new time slot."""


class TimeSlotChanged(TimeSlotFact):
    """A time slot has other times or another name."""


class TimeSlotRemoved(TimeSlotFact):
    """A time slot is out of use."""


class AbsenceFact(Fact):
    doctor_id: UUID | None
    """None: the clinic is closed."""
    start_time: Instant
    end_time: Instant


class AbsenceAdded(AbsenceFact):
    """A doctor will be away, or the clinic closed."""


class AbsenceRemoved(AbsenceFact):
    """An absence does not hold any more."""


class CustomerFact(Fact):
    customer_id: UUID


class CustomerRegistered(CustomerFact):
    """Somebody became a customer of the platform."""


class CustomerChanged(CustomerFact):
    """What is known of a customer changed."""

    active: bool


class CustomerRemoved(CustomerFact):
    """A customer left."""


class CustomerErased(Fact):
    """A customer was erased: whoever has anything of them erases it too. Each clinic whose patient they were is told."""

    customer_id: UUID


class ClinicDeactivated(Fact):
    """A clinic is out of use, with the doctors, time slots and schedule lines that were still active."""

    doctors: int
    time_slots: int


class WebhookDisabled(Fact):
    """A webhook failed for too long, and is sent nothing any more."""

    failing_since: Instant


CATALOGUE: Final[Mapping[str, type[Fact]]] = {
    "absence.added": AbsenceAdded,
    "absence.removed": AbsenceRemoved,
    "appointment.arrived": AppointmentArrived,
    "appointment.booked": AppointmentBooked,
    "appointment.cancelled": AppointmentCancelled,
    "appointment.changed": AppointmentChanged,
    "appointment.checked-in": AppointmentCheckedIn,
    "appointment.covered": AppointmentCovered,
    "appointment.fulfilled": AppointmentFulfilled,
    "appointment.held": AppointmentHeld,
    "appointment.hold-expired": AppointmentHoldExpired,
    "appointment.missed": AppointmentMissed,
    "appointment.rescheduled": AppointmentRescheduled,
    "appointment.stranded": AppointmentStranded,
    "appointment.unarrived": AppointmentUnarrived,
    "clinic.deactivated": ClinicDeactivated,
    "customer.changed": CustomerChanged,
    "customer.erased": CustomerErased,
    "customer.registered": CustomerRegistered,
    "customer.removed": CustomerRemoved,
    "schedule.applied": ScheduleApplied,
    "schedule.changed": ScheduleChanged,
    "slot.moved": SlotMoved,
    "slot.published": SlotPublished,
    "slot.withdrawn": SlotWithdrawn,
    "slots.generated": SlotsGenerated,
    "slots.withdrawn": SlotsWithdrawn,
    "time-slot.added": TimeSlotAdded,
    "time-slot.changed": TimeSlotChanged,
    "time-slot.removed": TimeSlotRemoved,
    "webhook.disabled": WebhookDisabled,
}
"""Every type of event there is, in order of name."""


class Event(NamedTuple):
    """A fact, and where it stands. Per subject, events are told in the order of `(subject_version, id)`."""

    clinic_id: int
    """0 for what is the platform's."""
    id: UUID
    type: str
    subject_id: str
    subject_version: int
    fact: Fact
    traceparent: str | None
    created_at: datetime


def read(type: str, data: str) -> Fact:
    """A fact from its JSON. Raises `msgspec.ValidationError` or `KeyError` for one that the catalogue does not know."""
    return msgspec.json.decode(data, type=CATALOGUE[type])


def cloud_event(event: Event) -> bytes:
    """The event on the wire: CloudEvents 1.0 in JSON. `subjectversion` is an extension of ours that orders the events
    of a subject."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": f"/clinics/{event.clinic_id}",
            "type": event.type,
            "subject": event.subject_id,
            "time": event.created_at,
            "datacontenttype": "application/json",
            **({"traceparent": event.traceparent} if event.traceparent else {}),
            "subjectversion": event.subject_version,
            "data": event.fact,
        }
    )


def _unwrap(text: str) -> str:
    return " ".join(text.split())


def schema(type: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event on the wire."""
    struct = CATALOGUE[type]
    definitions = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    (_,), components = definitions
    for component in components.values():  # docstrings are wrapped to the width of the code
        if "description" in component:
            component["description"] = _unwrap(component["description"])
    text = {"type": "string", "minLength": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": type,
        "description": _unwrap(struct.__doc__ or ""),
        "type": "object",
        "required": [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "subjectversion",
            "data",
        ],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": {"type": "string", "pattern": "^/clinics/[0-9]+$"},
            "type": {"const": type},
            "subject": text,
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "traceparent": text,
            "subjectversion": {"type": "integer", "minimum": 0},
            "data": {"$ref": f"#/$defs/{struct.__name__}"},
        },
        "$defs": components,
    }


MOST_TRIES: Final = 8


def wait_after(attempts: int) -> timedelta | None:
    """How long an event that has failed so often waits; None when it is to be parked. 1, 2, 4 … 64 seconds: about two
    minutes in all."""
    return timedelta(seconds=2 ** (attempts - 1)) if attempts < MOST_TRIES else None
