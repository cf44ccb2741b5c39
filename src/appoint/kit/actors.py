"""Who asks, and in which roles."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec


class Role(StrEnum):
    ANYONE = "anyone"
    """Nobody has signed in."""
    HOLDER = "holder"
    """Of an appointment's manage-link."""
    PATIENT = "patient"
    USER = "user"
    """Of staff, whatever they are at which clinics."""
    DOCTOR = "doctor"
    RECEPTIONIST = "receptionist"
    MANAGER = "manager"
    PARTNER = "partner"
    """A partner system, with an API key of a clinic."""
    ADMINISTRATOR = "administrator"
    """Of the platform."""


STAFF: Final = frozenset({Role.DOCTOR, Role.RECEPTIONIST, Role.MANAGER})


ANYONE: Final = "open:"
"""How the keys of callers begin who have not signed in."""


class Membership(msgspec.Struct, frozen=True):
    """What somebody is at a clinic."""

    clinic_id: int
    role: Role
    doctor_id: UUID | None = None
    """Who they are among the clinic's doctors."""


class Actor(msgspec.Struct, frozen=True):
    """`key` tells callers apart, for repeated requests, limits and the audit; it names nobody."""

    key: str
    administrator: bool = False
    user_id: UUID | None = None
    memberships: tuple[Membership, ...] = ()
    """Of staff, and of a partner system."""
    scopes: frozenset[str] = frozenset()
    """The permissions that a partner system's key has."""
    customer_id: UUID | None = None
    """The patient who is signed in."""
    appointment_id: UUID | None = None
    """The appointment of a manage-link."""
    session_id: UUID | None = None
    requests_per_minute: int | None = None
    """A limit of the caller's own."""
    address: str | None = None
    """Where the request comes from."""
    doing: str = ""
    """The operation that is asked for."""

    @property
    def is_anyone(self) -> bool:
        """Whether nobody has signed in."""
        return self.key.startswith(ANYONE)

    def member(self, clinic_id: int) -> Membership | None:
        """What the caller is at the clinic."""
        return next((membership for membership in self.memberships if membership.clinic_id == clinic_id), None)

    def is_staff(self, clinic_id: int) -> bool:
        """Whether the clinic's own people ask, or the administrator."""
        membership = self.member(clinic_id)
        return self.administrator or (membership is not None and membership.role in STAFF)


SYSTEM = Actor("system", administrator=True)
"""The worker."""
COMMAND_LINE = Actor("command-line", administrator=True)
"""Whoever has a shell where the database is."""


class LinkedCustomers(NamedTuple):
    """Whom the code was for that a patient signed in by: all who shared the address then."""

    ids: Sequence[UUID]
    since: datetime
    """Who has changed later may have another address."""
