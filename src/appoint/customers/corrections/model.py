"""Corrections to patients' details."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import ClassVar, Final, Literal
from uuid import UUID

import msgspec

Detail = Literal["name", "email", "phone", "locale", "birthDate", "postalAddress"]
MEMBERS: Final[Mapping[Detail, str]] = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "locale": "locale",
    "birthDate": "birth_date",
    "postalAddress": "postal_address",
}
"""The details that staff can correct, and the structs' members that contain them."""
CORRECTION_WAIT: Final = timedelta(days=14)
"""How long customers must wait after a clinic corrects their address before they can export or erase their data
themselves. The person who signs in could be the member of the clinic's staff who entered the address."""


class Correction(msgspec.Struct, rename="camel", frozen=True):
    """One detail that staff corrected."""

    EXAMPLE: ClassVar = {
        "id": "00000001-0197-8f5b-8c22-02e1f966150a",
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "createdAt": "2027-02-28T07:31:00Z",
        "actor": "user:01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "detail": "phone",
        "oldValue": "+4930123456",
        "newValue": "+4930123465",
    }

    id: UUID
    """Details that were corrected together have the same id."""
    customer_id: UUID
    created_at: datetime
    actor: str
    """The caller who corrected it, as in the audit log."""
    detail: Detail
    old_value: str | None
    new_value: str | None


class ClinicsKnowledge(msgspec.Struct, frozen=True):
    """What a clinic knows about a patient that differs from the patient's own details."""

    clinic_id: int
    clinic: str
    slug: str | None
    active: bool
    """Whether the clinic is active."""
    since: datetime
    time_zone: str
    privacy_url: str | None
    name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    birth_date: date | None
    postal_address: str | None
    has_notes: bool
    """Whether the clinic has written a record number or notes."""


def text_of(value: str | date | None) -> str | None:
    """Return a detail as the database stores it."""
    return value.isoformat() if isinstance(value, date) else value
