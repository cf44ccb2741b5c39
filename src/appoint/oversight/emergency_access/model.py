"""Emergency access and its review."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final
from uuid import UUID

import msgspec

from ...kit import fields
from ...kit.structs import PageQuery, RequestBody, Resource

ACCESS_TTL: Final = timedelta(hours=24)


class EmergencyAccessRequest(RequestBody):
    """Why a doctor needs to see a colleague's patient right now."""

    EXAMPLE: ClassVar = {"reason": "Collapsed in the waiting room; Dr. Shah is away"}

    reason: Annotated[fields.Name, msgspec.Meta(examples=["Collapsed in the waiting room; Dr. Shah is away"])]
    """A manager reads it when reviewing the access."""


class EmergencyAccess(Resource):
    id: UUID
    clinic_id: int
    doctor_id: UUID
    customer_id: UUID
    reason: str
    expires_at: datetime
    """When the doctor's access ends: 24 hours after it began."""
    reviewed_at: datetime | None
    """When a manager reviewed it."""
    reviewer: str | None
    """The manager who reviewed it, as the audit log names them."""


class EmergencyAccessFilter(PageQuery):
    reviewed: bool | None = None
    """Return only periods that have been reviewed, or only those that have not."""
