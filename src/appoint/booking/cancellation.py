"""The cancellation rules: patients may cancel or reschedule an appointment until the clinic's notice period begins, or
for a while after booking, but never once it has started."""

from datetime import datetime, timedelta
from typing import NamedTuple

from ..clinics.catalogue.model import Catalogue
from ..kit import errors
from ..kit.actors import Actor
from .model import Appointment, Status


class ChangePolicy(NamedTuple):
    """How late a clinic lets patients change their appointments."""

    notice_minutes: int
    grace_minutes: int

    def deadline(self, start: datetime, booked_at: datetime) -> datetime:
        """Return when it becomes too late for a patient to cancel or move an appointment: when the notice period begins
        or the grace period after booking ends, whichever is later, but no later than when the appointment starts.
        """
        before_notice = start - timedelta(minutes=self.notice_minutes)
        return min(start, max(before_notice, booked_at + timedelta(minutes=self.grace_minutes)))


def last_change(
    policy: ChangePolicy, *, start: datetime, booked_at: datetime, needs_rebooking: bool, now: datetime
) -> datetime | None:
    """Return the last time at which the patient can cancel or move a booked appointment, or None if it is too late."""
    end = start if needs_rebooking else policy.deadline(start, booked_at)
    return end if now <= end and now < start else None


def policy_of(catalogue: Catalogue) -> ChangePolicy:
    return ChangePolicy(catalogue.cancel_notice_minutes, catalogue.change_grace_minutes)


def is_late(appointment: Appointment, catalogue: Catalogue, now: datetime) -> bool:
    """Return whether the clinic's notice period forbids cancelling or moving the appointment, and the grace period
    after booking has ended.

    The rule never applies to holds or to appointments that the clinic itself has to move.
    """
    applies = (
        catalogue.cancel_notice_minutes > 0 and appointment.status != Status.PENDING and not appointment.needs_rebooking
    )
    return applies and now > policy_of(catalogue).deadline(appointment.start_time, appointment.created_at)


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
