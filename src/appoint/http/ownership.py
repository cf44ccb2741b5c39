"""Resource owners. Features look up owners in their own tables; `server/app.py` combines their functions."""

from typing import Final, Protocol
from uuid import UUID

import msgspec

from ..database.pool import Database

IDS_OF_DOCTORS: Final = frozenset({"doctor_id", "provider_id"})
"""Path parameters that identify the owner itself."""


class Owner(msgspec.Struct, frozen=True):
    """The people that a resource belongs to."""

    doctor_id: UUID | None
    customer_id: UUID | None = None
    booker_id: UUID | None = None
    appointment_id: UUID | None = None
    """For a booking, the one of its appointments that these people belong to."""


class FindOwners(Protocol):
    """Find the owners of a clinic's resource. An empty list means that the resource does not exist."""

    async def __call__(self, db: Database, *, clinic_id: int, id: UUID) -> list[Owner]: ...
