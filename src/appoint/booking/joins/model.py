"""Similar and joined records."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from ...kit import fields
from ...kit.structs import RequestBody

Likeness = Literal["name", "email", "phone", "birthDate"]


class PatientSketch(RequestBody):
    """Details of a person, used to look for an existing record."""

    EXAMPLE: ClassVar = {"name": "Ana Souza", "birthDate": "1984-02-29"}

    name: fields.PersonName
    """The full name. Spelling mistakes and the order of first and last names don't matter."""
    email: fields.Email | None = None
    """The full address. Case is ignored."""
    phone: fields.Phone | None = None
    """The full number. Without a country code, it is assumed to be in the clinic's country."""
    birth_date: fields.Date | None = None
    """People with a different date of birth are left out."""


class SimilarPatient(msgspec.Struct, rename="camel", frozen=True):
    """A record that probably belongs to the same person."""

    EXAMPLE: ClassVar = {
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "name": "Ana Souza",
        "email": "ana@example.org",
        "phone": None,
        "birthDate": "1984-02-29",
        "recordNumber": "2027-0113",
        "same": ["name", "birthDate"],
    }

    customer_id: UUID
    name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    record_number: str | None
    same: list[Likeness]
    """The details that match. A name only needs to be similar."""

    @property
    def id(self) -> UUID:
        """The id for the audit entry."""
        return self.customer_id


class JoinedRecord(msgspec.Struct, rename="camel", frozen=True):
    """A record that is joined with a main record. It keeps its own details and notes, so it can be separated again."""

    EXAMPLE: ClassVar = {
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "name": "Ana Souza",
        "email": "ana@example.org",
        "phone": None,
        "birthDate": None,
        "recordNumber": None,
        "notes": "Prefers mornings",
        "joinedAt": "2027-02-28T07:31:00Z",
    }

    customer_id: UUID
    name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    record_number: str | None
    notes: str | None
    joined_at: datetime

    @property
    def id(self) -> UUID:
        """The id for the audit entry."""
        return self.customer_id


class OtherRecord(RequestBody):
    """Another record of the same person."""

    EXAMPLE: ClassVar = {"customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d"}

    customer_id: UUID
