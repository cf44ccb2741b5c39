"""The cancellation rule: patients may cancel or reschedule until the clinic's notice period begins."""

from datetime import datetime

from ..clinics.catalogue.model import Catalogue
from ..kit import errors
from .model import Appointment, Status


def is_late(appointment: Appointment, catalogue: Catalogue, now: datetime) -> bool:
    """Return whether the clinic's notice period forbids cancelling or moving the appointment.

    The rule never applies to holds or to appointments that the clinic itself has to move.
    """
    applies = (
        catalogue.cancel_notice_minutes > 0 and appointment.status != Status.PENDING and not appointment.needs_rebooking
    )
    return applies and now > catalogue.last_change(appointment.start_time)


def too_late(catalogue: Catalogue) -> errors.Conflict:
    """Return the conflict for a change within the notice period, with the clinic's phone number if it has one."""
    phone = {"phone": catalogue.phone} if catalogue.phone else {}
    return errors.Conflict("too-late", minutes=catalogue.cancel_notice_minutes, **phone)
