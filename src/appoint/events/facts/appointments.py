"""Facts about appointments."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from .base import Fact, Instant

AppointmentStatus = Literal["pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow"]


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
    needs_code: bool = False
    """Whether the customer must enter a code to confirm it."""


class AppointmentCodeRequested(AppointmentFact):
    """A booking is waiting for its customer to confirm their address. The customer receives a code. The subject is the
    booking's first appointment."""

    hold_expires_at: Instant
    number: int
    """1 for the first code, 2 for the next one on request, and so on."""


class AppointmentHoldExpired(AppointmentStep):
    """A hold expired; its time is free again."""


class AppointmentArrived(AppointmentStep):
    """The customer has arrived."""


class AppointmentUnarrived(AppointmentStep):
    """The customer's arrival was undone."""


class AppointmentCheckedIn(AppointmentStep):
    """The customer is ready to be called."""


class AppointmentInRoom(AppointmentStep):
    """The customer has entered the room."""


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


class AppointmentRebookingAsked(AppointmentFact):
    """The clinic asked the customer to choose a new time for an appointment that needs rebooking."""

    by: Literal["link", "phone"]
    """Whether the customer receives a link or is called by staff."""


class AppointmentCovered(Fact):
    """A stranded appointment is within its doctor's hours again."""

    doctor_id: UUID
