"""Join links, which let their holders join one appointment's call.

A patient's link is valid for as long as the appointment's manage link, and survives rescheduling. A guest's link can be
revoked on its own.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...booking.links import is_current
from ...database.pool import Database
from ...kit import ids
from ...kit.signed_tokens import short_id, verify_short_id
from ..guests import repository as guests

PURPOSE: Final = "join"
GUEST_PURPOSE: Final = "join-guest"
GUEST_PREFIX: Final = "g"


class LinkHolder(NamedTuple):
    """A patient or guest with a join link."""

    appointment_id: UUID
    guest_id: UUID | None = None
    guest: str | None = None
    """A guest's name."""

    @property
    def key(self) -> str:
        return f"guest:{self.guest_id}" if self.guest_id else f"link:{self.appointment_id}"


def code(secret: str, appointment_id: UUID, number: int = 1) -> str:
    """Return the code in a patient's link. `number` is the manage link's, so both are revoked together."""
    return short_id(secret, PURPOSE, appointment_id, number)


def join_url(origin: str, secret: str, appointment_id: UUID, number: int = 1) -> str:
    """Return a patient's link."""
    return f"{origin}/join/{code(secret, appointment_id, number)}"


def guest_code(secret: str, guest_id: UUID) -> str:
    return GUEST_PREFIX + short_id(secret, GUEST_PURPOSE, guest_id)


async def find_party(db: Database, secret: str, code: str, now: datetime) -> LinkHolder | None:
    """Return who a link belongs to, or None if it is invalid or has been revoked."""
    if content := verify_short_id(secret, PURPOSE, code):
        appointment_id, number = content
        return LinkHolder(appointment_id) if await is_current(db, appointment_id, number, now) else None
    if code.startswith(GUEST_PREFIX) and (content := verify_short_id(secret, GUEST_PURPOSE, code[1:])):
        guest = await guests.find(db.within(ids.clinic_of(content[0])), content[0])
        return LinkHolder(guest.appointment_id, guest.id, guest.name) if guest else None
    return None
