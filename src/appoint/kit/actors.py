"""Callers and their roles."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from .networks import network_around


class Role(StrEnum):
    ANYONE = "anyone"
    """Not signed in."""
    HOLDER = "holder"
    """The holder of an appointment's manage link."""
    PATIENT = "patient"
    USER = "user"
    """Any staff user, regardless of their roles at clinics."""
    DOCTOR = "doctor"
    RECEPTIONIST = "receptionist"
    MANAGER = "manager"
    PARTNER = "partner"
    """A partner system with a clinic's API key."""
    ADMINISTRATOR = "administrator"
    """The platform's administrator."""


STAFF: Final = frozenset({Role.DOCTOR, Role.RECEPTIONIST, Role.MANAGER})
ANONYMOUS_KEY_PREFIX: Final = "open:"
"""The key prefix for callers without a session or API key."""


class Membership(msgspec.Struct, frozen=True):
    """A role at a clinic."""

    clinic_id: int
    role: Role
    doctor_id: UUID | None = None
    """For a user with the doctor role, which doctor they are."""
    networks: tuple[str, ...] = ()
    """The only networks from which the role can be used. Empty if it can be used from anywhere."""
    second_factor: bool = False
    """Whether the clinic requires its staff to sign in with a second factor."""


class Actor(msgspec.Struct, frozen=True):
    """The caller of an operation.

    `key` identifies the caller for idempotency, rate limits and audit. It contains no personal data.
    """

    key: str
    administrator: bool = False
    user_id: UUID | None = None
    memberships: tuple[Membership, ...] = ()
    """Empty unless the caller is staff or a partner system."""
    scopes: frozenset[str] = frozenset()
    """The permissions granted to a partner system's API key."""
    customer_id: UUID | None = None
    """The signed-in patient."""
    appointment_id: UUID | None = None
    """The appointment that the caller's manage link opens."""
    session_id: UUID | None = None
    proven_at: datetime | None = None
    """When the session's owner last entered a credential; None for callers without a session."""
    second_factor: bool = False
    """Whether the session's owner also proved who they are with a second factor."""
    requests_per_minute: int | None = None
    """The caller's own rate limit, if it differs from the general one."""
    address: str | None = None
    """The network address that the request came from."""
    user_agent: str | None = None
    """The browser's `User-Agent`, shortened. It is not stored: sessions store only the names that `device_of` finds in
    it.
    """
    outside: frozenset[int] = frozenset()
    """The clinics where the caller would have a role if the request came from an allowed network; 0 for the platform.
    """
    unprotected: frozenset[int] = frozenset()
    """The clinics where the caller would have a role if they had signed in with a second factor; 0 for the platform."""
    operation: str = ""
    """The id of the requested operation."""

    @property
    def is_anyone(self) -> bool:
        """Whether the caller is anonymous."""
        return self.key.startswith(ANONYMOUS_KEY_PREFIX)

    @property
    def audited_address(self) -> str | None:
        """The address as the audit log stores it. Patients' and strangers' addresses are shortened to their networks:
        that is enough to recognise an attack, and log entries remain even after a person has been erased.
        """
        if self.address is None or self.memberships or self.user_id or self.administrator:
            return self.address
        return network_around(self.address)

    @property
    def is_stranger(self) -> bool:
        """Whether the caller has neither a session nor an API key to prove who they are. A manage link proves nothing,
        because every caller who books receives one.
        """
        return not (self.administrator or self.user_id or self.customer_id or self.memberships)

    def membership_at(self, clinic_id: int) -> Membership | None:
        """Return the caller's membership at the clinic, if any."""
        for membership in self.memberships:
            if membership.clinic_id == clinic_id:
                return membership
        return None

    def acts_for(self, clinic_id: int) -> bool:
        """Return whether the caller acts on the clinic's behalf, as its staff, its partner systems and the
        administrator do, but patients do not."""
        return self.administrator or self.membership_at(clinic_id) is not None

    def is_staff(self, clinic_id: int) -> bool:
        """Return whether the caller is on the clinic's staff or is the administrator."""
        membership = self.membership_at(clinic_id)
        return self.administrator or (membership is not None and membership.role in STAFF)

    def may_know_visits(self, customer_id: UUID, clinic_id: int) -> bool:
        """Return whether the caller may learn when a customer visits the clinic: customers themselves may, and so may
        the clinic's staff and partners."""
        return self.acts_for(clinic_id) or self.customer_id == customer_id


SYSTEM = Actor("system", administrator=True)
"""The worker."""
COMMAND_LINE = Actor("command-line", administrator=True)
"""An operator with a shell on the server."""


class LinkedCustomers(NamedTuple):
    """The customers covered by a sign-in code: everyone who shared the address when the code was sent."""

    ids: Sequence[UUID]
    since: datetime
    """When the code was sent. A customer who has been changed since then may have a different address."""
