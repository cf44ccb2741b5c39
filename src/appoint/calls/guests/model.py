"""Guests."""

from datetime import datetime
from uuid import UUID

import msgspec


class Guest(msgspec.Struct, frozen=True, rename="camel"):
    """Someone whom the patient brings to a video visit."""

    id: UUID
    appointment_id: UUID
    name: str
    created_at: datetime
