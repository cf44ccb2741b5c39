"""Whose something is. The features that own the tables find it out; `server/app.py` puts their functions together."""

from typing import Final, Protocol
from uuid import UUID

import msgspec

from ..database.pool import Statements

IDS_OF_DOCTORS: Final = frozenset({"doctor_id", "provider_id"})
"""Path parameters that are the id of the owner itself."""


class Owner(msgspec.Struct, frozen=True):
    """The people that something belongs to."""

    doctor_id: UUID | None
    customer_id: UUID | None = None
    booker_id: UUID | None = None


class FindOwners(Protocol):
    """Find the owners of something in a clinic. Return none if it does not exist."""

    async def __call__(self, db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]: ...
