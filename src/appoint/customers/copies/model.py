"""What cells tell each other about customers."""

from datetime import date, datetime
from uuid import UUID

import msgspec


class CustomerRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A customer's row, as the home sends it to other cells."""

    id: UUID
    version: int
    created_at: datetime
    name: str
    email: str | None
    phone: str | None
    locale: str | None
    region: str | None
    time_zone: str | None
    birth_date: date | None
    postal_address: str | None
    removed_at: datetime | None
    erased_at: datetime | None
    email_confirmed_at: datetime | None
    phone_confirmed_at: datetime | None


class DueCopy(msgspec.Struct, frozen=True):
    """A copy that lacks the customer's latest changes."""

    cell: int
    record: CustomerRecord
