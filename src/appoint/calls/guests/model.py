"""Guests."""

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec

from ...kit import fields
from ...kit.structs import RequestBody

MAX_GUESTS: Final = 5
"""How many people a patient can bring to one visit."""


class Guest(msgspec.Struct, frozen=True, rename="camel"):
    """Someone whom the patient brings to a video visit."""

    id: UUID
    appointment_id: UUID
    name: str
    created_at: datetime


class GuestContent(RequestBody):
    """Someone that the patient brings to a video visit, such as an interpreter or a carer."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "Ines Okafor"}

    name: fields.PersonName
    """The name that others in the call see."""


class InvitedGuest(msgspec.Struct, kw_only=True, rename="camel"):
    """A guest, and the link that they join with."""

    id: UUID
    appointment_id: UUID
    name: str
    created_at: datetime
    join_url: str
    """The page where the guest joins the visit. Anyone who has this link can join as the guest."""
