"""Manage links, which let their holder see and change one appointment without an account."""

from typing import Any, Final
from uuid import UUID

from litestar.connection import ASGIConnection

from ..http.services import services_of
from ..kit.actors import Actor
from ..kit.signed_tokens import sign_id, verify_id

PREFIX: Final = "apm_"
PURPOSE: Final = "manage"


def token(secret: str, appointment_id: UUID) -> str:
    """Return the token for an appointment. It is derived from the id, so it never changes and is not stored."""
    return PREFIX + sign_id(secret, PURPOSE, appointment_id)


def appointment_of(secret: str, token: str) -> UUID | None:
    """Return the id of the appointment that a token is for, or None if the signature is invalid."""
    return verify_id(secret, PURPOSE, token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Return the holder of the manage link that the bearer token belongs to, or None if the token is invalid."""
    appointment_id = appointment_of(services_of(connection).secret_key, token)
    return holder(appointment_id) if appointment_id else None


def holder(appointment_id: UUID) -> Actor:
    return Actor(f"link:{appointment_id}", appointment_id=appointment_id)
