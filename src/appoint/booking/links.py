"""Manage-links: whoever has one sees and moves that one appointment, without an account."""

from typing import Any, Final
from uuid import UUID

from litestar.connection import ASGIConnection

from ..http.services import services_of
from ..kit.actors import Actor
from ..kit.signed_tokens import sign_id, verify_id

PREFIX: Final = "apm_"
PURPOSE: Final = "manage"


def token(secret: str, appointment_id: UUID) -> str:
    """Good for as long as the appointment is there, and for nothing else. The same every time, so that it need be kept
    nowhere."""
    return PREFIX + sign_id(secret, PURPOSE, appointment_id)


def appointment_of(secret: str, token: str) -> UUID | None:
    """Which appointment a token is for; None for one that we have not made."""
    return verify_id(secret, PURPOSE, token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Who holds the link, as they send it as a bearer token."""
    appointment_id = appointment_of(services_of(connection).secret_key, token)
    return holder(appointment_id) if appointment_id else None


def holder(appointment_id: UUID) -> Actor:
    return Actor(f"link:{appointment_id}", appointment_id=appointment_id)
