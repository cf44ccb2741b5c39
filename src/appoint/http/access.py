"""Who asks, and whether they may: before each request."""

import hashlib
import hmac
from typing import Any, Final
from uuid import UUID

import litestar
import msgspec
from litestar.connection import ASGIConnection

from ..database.pool import Database
from ..kit import errors
from ..kit.actors import ANONYMOUS_KEY_PREFIX, Actor
from ..kit.ids import PLATFORM
from ..kit.permissions import PUBLIC_PERMISSIONS, Grant, Relation, widest_grant
from .ownership import IDS_OF_DOCTORS
from .request import check_address, clinic_of
from .routes import route_of
from .services import services_of

OF_ONESELF: Final = frozenset({"account", "credentials"})
"""Permissions for what has no address but one's own."""
COOKIE: Final = "__Host-appoint"
"""Browsers send it back to this very host alone, and over TLS (or on the machine itself) alone."""


async def guard(request: litestar.Request[Actor, Any, Any]) -> None:
    """Raise an error if the caller may not use the handler: every handler declares its permission in `opt=route(…)`.

    Runs before each request. It is not one of Litestar's guards, since Litestar copies the whole handler for each guard.
    """
    if request.method == "OPTIONS":  # the framework answers, with the methods that there are
        return
    handler = request.route_handler
    declared = route_of(handler)
    caller = msgspec.structs.replace(await identify(request), doing=str(handler.operation_id))
    if caller.is_anyone and request.headers.get("x-csrf-token") and declared.permission != "sign-in":
        # who sends a session's token beside its cookie means to be somebody, and the session has ended
        raise errors.Unauthorized
    request.scope["user"] = caller
    services = services_of(request)
    await services.limits.admit(request, caller, declared)
    permission = declared.permission
    clinic_id = clinic_of(request)
    if permission not in PUBLIC_PERMISSIONS:
        request.scope["state"]["grant"] = await _granted(request, caller, permission, clinic_id)
    if permission != "public":
        request.scope["state"]["db"] = _seen(services.db, caller, permission, clinic_id)
    check_address(request, handler)


async def _granted(
    request: litestar.Request[Actor, Any, Any], caller: Actor, permission: str, clinic_id: int | None
) -> Grant:
    """Raises `Unauthorized` for nobody in particular, `NotFound` for what is another clinic's or patient's, `Forbidden`
    for what the caller's roles are not for."""
    grant = widest_grant(caller, permission, clinic_id)
    if grant is None:
        raise _refusal(caller, clinic_id)
    if grant.relation is Relation.OWN and not await _is_own(request, caller, grant, clinic_id):
        raise errors.Forbidden if grant.membership else errors.NotFound
    return grant


def authorize(
    request: litestar.Request[Actor, Any, Any],
    *,
    clinic_id: int,
    doctor_id: UUID | None = None,
    permission: str | None = None,
) -> Grant:
    """For what only the body of a request says: that the caller may do this (or what the further permission is for) at
    the clinic, to the doctor.

    Raises as the guard does.
    """
    grant = widest_grant(request.user, permission or route_of(request.route_handler).permission, clinic_id)
    if grant is None:
        raise _refusal(request.user, clinic_id)
    if grant.relation is Relation.OWN and grant.doctor_id != doctor_id:
        raise errors.Forbidden
    request.scope["state"]["clinic_id"] = clinic_id
    return grant


def _refusal(caller: Actor, clinic_id: int | None) -> errors.AppointError:
    if caller.is_anyone:
        return errors.Unauthorized()
    return (
        errors.NotFound()
        if caller.memberships and clinic_id is not None and caller.member(clinic_id) is None
        else errors.Forbidden()
    )


async def _is_own(
    request: litestar.Request[Actor, Any, Any], caller: Actor, grant: Grant, clinic_id: int | None
) -> bool:
    """Return whether the path parameter named by `owned_by` is something of the caller's own. Handlers with `narrows`
    find out themselves."""
    declared = route_of(request.route_handler)
    if declared.permission in OF_ONESELF or declared.narrows:
        return True
    name = declared.owned_by
    if not name:
        return False
    id = request.path_params[name]
    if name in IDS_OF_DOCTORS:
        return id == grant.doctor_id
    if name == "customer_id" and clinic_id is None:
        return id == caller.customer_id
    if caller.appointment_id:
        return id == caller.appointment_id
    if clinic_id is None:
        return False
    services = services_of(request)
    owners = await services.owners[name](services.db, clinic_id=clinic_id, id=id)
    if not owners:
        raise errors.NotFound
    if grant.membership:
        return any(owner.doctor_id == grant.doctor_id for owner in owners)
    return any(caller.customer_id in (owner.customer_id, owner.booker_id) for owner in owners)


def _seen(db: Database, caller: Actor, permission: str, clinic_id: int | None) -> Database:
    """The database as far as the caller needs it: of people, those of the clinic that the address names; all where it
    names none; nobody for a booking.

    This is the second line: a clinic's own people see none of another clinic's, whatever the guard let through and
    whatever a statement asks.
    """
    if permission == "book":
        return db
    if caller.memberships and not caller.administrator and permission not in PUBLIC_PERMISSIONS | OF_ONESELF:
        return db.within(clinic_id if clinic_id is not None and caller.member(clinic_id) else PLATFORM)
    return db.across() if clinic_id is None else db.within(clinic_id)


async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """By the bearer token: the administrator, or whoever one of the application's `identities` knows by it, in the
    order of their first letters.

    Without one, by the session's cookie. Anyone else is told apart by address and agent only. A credential that is
    wrong is refused, not ignored.
    """
    address = connection.client.host if connection.client else None
    if authorization := connection.headers.get("authorization"):
        scheme, _, token = authorization.partition(" ")
        caller = await _bearer(connection, token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise errors.Unauthorized
    elif (token := connection.cookies.get(COOKIE)) and (
        caller := await services_of(connection).session_of_cookie(connection, token)
    ):
        pass  # a session that has ended leaves a cookie behind, which is nobody's fault
    else:
        agent = connection.headers.get("user-agent", "")
        caller = Actor(ANONYMOUS_KEY_PREFIX + hashlib.sha256(f"{address or ''}\n{agent}".encode()).hexdigest()[:32])
    return msgspec.structs.replace(caller, address=address)


async def _bearer(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    services = services_of(connection)
    if hmac.compare_digest(token.encode(), services.admin_token.encode()):
        return Actor("administrator", administrator=True)
    known = next((identify for prefix, identify in services.identities.items() if token.startswith(prefix)), None)
    address = connection.client.host if connection.client else None
    services.limits.expect_credential(address, token)
    caller = await known(connection, token) if known else None
    services.limits.note_credential(address, token, caller)
    return caller


def csrf_token(secret: str, token: str) -> str:
    """What a page sends beside the cookie: only who has been told it can make the browser do something."""
    return hmac.digest(secret.encode(), b"csrf\n" + token.encode(), "sha256").hex()


def is_csrf_token(secret: str, token: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token(secret, token).encode(), given.encode())
