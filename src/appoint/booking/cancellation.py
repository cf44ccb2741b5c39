"""The cancellation rules: patients may cancel or reschedule until the clinic's notice period begins, and never an
appointment that has started."""

from datetime import datetime, timedelta

from ..clinics.catalogue.model import Catalogue
from ..kit import errors
from ..kit.actors import Actor
from .model import Appointment, Status


def last_change(start: datetime, *, notice_minutes: int, needs_rebooking: bool, now: datetime) -> datetime | None:
    """Return until when the patient of a booked appointment can cancel or move it, or None if it is too late."""
    end = start if needs_rebooking else start - timedelta(minutes=notice_minutes)
    return end if now <= end and now < start else None


def is_late(appointment: Appointment, catalogue: Catalogue, now: datetime) -> bool:
    """Return whether the clinic's notice period forbids cancelling or moving the appointment.

    The rule never applies to holds or to appointments that the clinic itself has to move.
    """
    applies = (
        catalogue.cancel_notice_minutes > 0 and appointment.status != Status.PENDING and not appointment.needs_rebooking
    )
    return applies and now > catalogue.last_change(appointment.start_time)


def check_not_started(appointment: Appointment, actor: Actor, now: datetime) -> None:
    """Raise an `already-started` `Conflict` if the appointment has started and the caller does not act for its clinic.

    Otherwise, patients could hide no-shows. The rule does not apply to holds.
    """
    has_started = appointment.status != Status.PENDING and appointment.start_time <= now
    if has_started and not actor.acts_for(appointment.clinic_id):
        raise errors.Conflict("already-started")


def too_late(catalogue: Catalogue) -> errors.Conflict:
    """Return the conflict for a change within the notice period, with the clinic's phone number if it has one."""
    phone = {"phone": catalogue.phone} if catalogue.phone else {}
    minutes = catalogue.cancel_notice_minutes
    hours = minutes // 60 if minutes % 60 == 0 else round(minutes / 60, 2)
    return errors.Conflict("too-late", minutes=minutes, hours=hours, **phone)
