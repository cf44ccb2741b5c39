"""The event catalogue: one struct per fact, in the past tense. Facts contain ids, times and numbers, never personal
data."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Final, Literal
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
    """Increases on cancellation and whenever the time or doctor changes, like iCalendar's SEQUENCE."""


class AppointmentStep(AppointmentFact):
    old_status: AppointmentStatus | UnsetType = UNSET
    """Unset for a new appointment."""


class AppointmentBooked(AppointmentStep):
    """An appointment was booked, or a hold was confirmed."""


class AppointmentHeld(AppointmentFact):
    """A time is on hold for a customer until it is confirmed or the hold expires."""

    hold_expires_at: Instant


class AppointmentHoldExpired(AppointmentStep):
    """A hold expired; its time is free again."""


class AppointmentArrived(AppointmentStep):
    """The customer has arrived."""


class AppointmentUnarrived(AppointmentStep):
    """The customer's arrival was undone."""


class AppointmentCheckedIn(AppointmentStep):
    """The customer is ready to be called."""


class AppointmentFulfilled(AppointmentStep):
    """The appointment took place."""


class AppointmentMissed(AppointmentStep):
    """The customer did not attend."""


class AppointmentCancelled(AppointmentStep):
    """An appointment or a hold was cancelled."""


class AppointmentRestored(AppointmentFact):
    """The clinic took back its last step, so the appointment has its previous status again."""

    old_status: AppointmentStatus
    """The status that the step had set."""
    status: AppointmentStatus


class AppointmentRescheduled(AppointmentFact):
    """An appointment has a different time, a different doctor, or both."""

    old_doctor_id: UUID
    old_start_time: Instant
    old_end_time: Instant
    hold_expires_at: Instant | UnsetType = UNSET
    """Set if the time is only on hold."""


class AppointmentChanged(Fact):
    """Something about an appointment other than its time and status changed, such as its notes."""


class AppointmentStranded(Fact):
    """An absence or a schedule change left an appointment outside its doctor's hours; it needs rebooking."""

    doctor_id: UUID


class AppointmentCovered(Fact):
    """A stranded appointment is within its doctor's hours again."""

    doctor_id: UUID


class SlotPublished(Fact):
    """A booking slot was published manually."""

    doctor_id: UUID
    start_time: Instant
    end_time: Instant


class SlotMoved(SlotPublished):
    """A booking slot has a different start or end."""

    old_start_time: Instant
    old_end_time: Instant


class SlotWithdrawn(SlotPublished):
    """A booking slot was removed manually."""


class SlotsGenerated(Fact):
    """`created` booking slots were published from weekly schedules. The subject is the doctor, or the clinic if all its
    doctors are affected."""

    created: int
    from_: date = msgspec.field(name="from")
    to: date
    absence_id: UUID | UnsetType = UNSET
    """The absence whose removal made the slots possible again."""


class SlotsWithdrawn(Fact):
    """Published hours were withdrawn: `count` booking slots lost some or all of their time."""

    count: int
    from_: Instant = msgspec.field(name="from")
    doctor_id: UUID | UnsetType = UNSET
    absence_id: UUID | UnsetType = UNSET
    """The absence that caused the withdrawal."""
    stranded: int = 0
    """The number of appointments that remain in the withdrawn time and need rebooking."""


class ScheduleChanged(Fact):
    """A doctor's weekly schedule changed. Published hours did not change: see `schedule.applied`."""

    doctor_id: UUID
    doctor_slot_id: UUID | UnsetType = UNSET
    time_slot_id: UUID | UnsetType = UNSET
    valid_from: date | UnsetType = UNSET


class ScheduleApplied(Fact):
    """Published hours were updated to match weekly schedules. The subject is the doctor, or the clinic if all its
    doctors are affected."""

    from_: date = msgspec.field(name="from")
    to: date
    added: int
    removed: int
    kept: int
    stranded: int


class TimeSlotFact(Fact):
    time_slot_id: UUID


class TimeSlotAdded(TimeSlotFact):
    """A time slot was added to a clinic."""


class TimeSlotChanged(TimeSlotFact):
    """A time slot has different times or a different name."""


class TimeSlotRemoved(TimeSlotFact):
    """A time slot was removed."""


class AbsenceFact(Fact):
    doctor_id: UUID | None
    """None if the clinic is closed."""
    start_time: Instant
    end_time: Instant


class AbsenceAdded(AbsenceFact):
    """A doctor's absence or a closure of the clinic was added."""


class AbsenceRemoved(AbsenceFact):
    """An absence was removed."""


class CustomerFact(Fact):
    customer_id: UUID


class CustomerRegistered(CustomerFact):
    """A customer was registered on the platform."""


class CustomerChanged(CustomerFact):
    """A customer's data changed."""

    active: bool


class CustomerRemoved(CustomerFact):
    """A customer was removed."""


class CustomerErased(Fact):
    """A customer was erased: recipients must erase the customer's data too. Each clinic that had the customer as a
    patient receives this event."""

    customer_id: UUID


class ClinicDeactivated(Fact):
    """A clinic was deactivated, along with any doctors, time slots and schedule lines that were still active."""

    doctors: int
    time_slots: int


class WebhookDisabled(Fact):
    """A webhook failed for too long and no longer receives deliveries."""

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
    "appointment.restored": AppointmentRestored,
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
"""All event types, ordered by name."""
