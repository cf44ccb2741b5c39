"""Callers of every kind, who send a name as their token instead of signing in."""

from collections.abc import Mapping
from uuid import UUID, uuid4

from appoint.kit.actors import Actor, Membership, Role
from support.app import ADMIN


def accept_callers(client, callers: Mapping[str, Actor]) -> None:
    """Make the client's application identify these callers by name, in addition to its real users."""

    async def identify(_, token: str) -> Actor | None:
        return callers.get(token.removeprefix("test_"))

    client._transport.app.state.services.identities["test_"] = identify


def headers_of(caller: str | None) -> dict[str, str]:
    """Return the headers for a named caller or the administrator, or for an anonymous caller if the name is None."""
    if caller is None:
        return {}
    return ADMIN if caller == "administrator" else {"Authorization": f"Bearer test_{caller}"}


def member(name: str, clinic_id: int, role: Role, doctor_id: UUID | str | None = None) -> Actor:
    doctor = UUID(str(doctor_id)) if doctor_id else None
    return Actor(name, user_id=uuid4(), memberships=(Membership(clinic_id, role, doctor),))


def staff(clinic_id: int, doctor_id: UUID | str) -> dict[str, Actor]:
    """Return a doctor, a receptionist and a manager at the clinic."""
    return {
        "doctor": member("doctor", clinic_id, Role.DOCTOR, doctor_id),
        "receptionist": member("receptionist", clinic_id, Role.RECEPTIONIST),
        "manager": member("manager", clinic_id, Role.MANAGER),
    }


def partner(clinic_id: int, *scopes: str) -> Actor:
    return Actor("partner", memberships=(Membership(clinic_id, Role.PARTNER),), scopes=frozenset(scopes))
