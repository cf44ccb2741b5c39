"""Manage links, which let their holder see and change one appointment without an account.

An appointment has one valid link at a time. It expires some time after the appointment, and staff can revoke it
earlier.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar.connection import ASGIConnection

from ..database.pool import Statements
from ..http.dependencies import services_of
from ..kit import clock, ids
from ..kit.actors import Actor
from ..kit.manage_links import LINK_TTL
from ..kit.signed_tokens import short_id, sign_id, verify_id, verify_short_id
from . import repository

PREFIX: Final = "apm_"
PURPOSE: Final = "manage"
SHORT_PURPOSE: Final = "manage-short"


def token(secret: str, appointment_id: UUID, number: int = 1) -> str:
    """Return the token for an appointment's link, by default the first one. It is derived from the id, so it is not
    stored."""
    return PREFIX + sign_id(secret, PURPOSE, appointment_id, number)


def short_code(secret: str, appointment_id: UUID, number: int = 1) -> str:
    """Return a shorter code for the same link, for text messages."""
    return short_id(secret, SHORT_PURPOSE, appointment_id, number)


def token_of_code(secret: str, code: str) -> str | None:
    """Return the token for the link that a short code stands for, or None if the code is invalid. The link may have
    expired or been revoked."""
    content = verify_short_id(secret, SHORT_PURPOSE, code)
    return token(secret, *content) if content else None


def appointment_of(secret: str, token: str) -> UUID | None:
    """Return the id of the appointment that a token is for, or None if the signature is invalid. The link may have been
    revoked."""
    content = _read(secret, token)
    return content[0] if content else None


def number_of(secret: str, token: str) -> int:
    """Return the number of the link that a valid token is for."""
    content = _read(secret, token)
    assert content, "the caller has checked the token"
    return content[1]


def _read(secret: str, token: str) -> tuple[UUID, int] | None:
    return verify_id(secret, PURPOSE, token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None


async def find_holder(db: Statements, secret: str, token: str, now: datetime) -> Actor | None:
    """Return the holder of a manage link, or None if its signature is invalid, or it has expired or been revoked."""
    content = _read(secret, token)
    if content is None:
        return None
    appointment_id, number = content
    return holder(appointment_id) if await is_current(db, appointment_id, number, now) else None


async def is_current(db: Statements, appointment_id: UUID, number: int, now: datetime) -> bool:
    """Return whether the link with this number has neither expired nor been revoked."""
    return await repository.has_link(
        db,
        clinic_id=ids.clinic_of(appointment_id),
        appointment_id=appointment_id,
        number=number,
        ended_after=now - LINK_TTL,
    )


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Return the holder of the manage link that the bearer token belongs to, or None if the link is invalid."""
    services = services_of(connection)
    return await find_holder(services.db, services.secret_key, token, clock.now())


def holder(appointment_id: UUID) -> Actor:
    return Actor(f"link:{appointment_id}", appointment_id=appointment_id)
