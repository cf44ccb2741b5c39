"""Authenticate and authorize every request before its handler runs."""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import litestar
import msgspec
from litestar.connection import ASGIConnection

from ..database.pool import Database
from ..database.shares import CLINIC, IS_VISITOR
from ..kit import clock, errors
from ..kit.actors import ANONYMOUS_KEY_PREFIX, Actor, Role
from ..kit.allow_lists import is_within
from ..kit.ids import PLATFORM
from ..kit.permissions import PUBLIC_PERMISSIONS, SCOPES, Grant, Relation, widest_grant
from .dependencies import services_of
from .ownership import IDS_OF_DOCTORS
from .request import check_address, clinic_of
from .request_head import join_pdf
from .routes import route_of

OF_ONESELF: Final = frozenset({"account", "credentials"})
"""Permissions for data that always belongs to the caller and has no id in the path."""
WAS_REFUSED: Final = "refused"
"""The key in a request's state that marks a request as refused by the guard. The audit log records it."""
MAX_USER_AGENT: Final = 300
PROOF_TTL: Final = timedelta(minutes=10)
"""How long a credential counts as recent after it was entered."""
COOKIE: Final = "__Host-appoint"
"""The session cookie. Because of its prefix, browsers send it only to this host and only over TLS (or to localhost)."""


async def guard(request: litestar.Request[Actor, Any, Any]) -> None:
    """Raise an error unless the caller may use the handler. Every handler declares its permission in `opt=route(…)`.

    Runs before each request. This is not a Litestar guard, because Litestar copies the whole handler for each guard.
    """
    join_pdf(request.scope)
    if request.method == "OPTIONS":  # the framework responds with the allowed methods
        return
    handler = request.route_handler
    declared = route_of(handler)
    settings = services_of(request).settings
    caller = _limit_to_networks(await identify(request), settings.admin_networks)
    caller = _limit_to_second_factor(caller, administrators=settings.requires_admin_second_factor)
    caller = msgspec.structs.replace(caller, operation=str(handler.operation_id))
    if caller.is_anyone and request.headers.get("x-csrf-token") and declared.permission != "sign-in":
        # a CSRF token without a valid session means that the session has ended: do not treat the caller as anonymous
        raise errors.Unauthorized
    request.scope["user"] = caller
    IS_VISITOR.set(not (caller.administrator or caller.memberships))
    services = services_of(request)
    await services.limits.admit(request, caller, declared)
    permission = declared.permission
    clinic_id = clinic_of(request)
    CLINIC.set(clinic_id)
    _check_scopes(request, caller, permission)
    if permission not in PUBLIC_PERMISSIONS:
        request.scope["state"]["grant"] = await _grant_for(request, caller, permission, clinic_id)
    if permission != "public":
        request.scope["state"]["db"] = _visible_database(services.db, caller, permission, clinic_id)
    if declared.recent_proof:
        check_proof(caller, now=clock.now())
    check_address(request, handler)


def _limit_to_networks(caller: Actor, admin_networks: Collection[str]) -> Actor:
    """Return the caller without the roles that cannot be used from the request's network."""
    inside = tuple(each for each in caller.memberships if is_within(caller.address, each.networks))
    is_administrator = caller.administrator and is_within(caller.address, admin_networks)
    if len(inside) == len(caller.memberships) and is_administrator == caller.administrator:
        return caller
    outside = {each.clinic_id for each in caller.memberships if each not in inside}
    if is_administrator != caller.administrator:
        outside.add(PLATFORM)
    return msgspec.structs.replace(
        caller, memberships=inside, administrator=is_administrator, outside=frozenset(outside)
    )


def _limit_to_second_factor(caller: Actor, *, administrators: bool) -> Actor:
    """Return the caller without the roles that require a second factor if their session does not have one.
    `administrators` says whether administrators need one, in which case they also need it for their roles at clinics.
    Programs are not affected, because they do not have sessions.
    """
    if caller.session_id is None or caller.second_factor:
        return caller
    if administrators and (caller.administrator or PLATFORM in caller.outside):
        everywhere = frozenset(each.clinic_id for each in caller.memberships) | {PLATFORM}
        return msgspec.structs.replace(caller, memberships=(), administrator=False, unprotected=everywhere)
    allowed = tuple(each for each in caller.memberships if not each.second_factor)
    if len(allowed) == len(caller.memberships):
        return caller
    unprotected = frozenset(each.clinic_id for each in caller.memberships if each.second_factor)
    return msgspec.structs.replace(caller, memberships=allowed, unprotected=unprotected)


def _check_scopes(request: litestar.Request[Actor, Any, Any], caller: Actor, permission: str) -> None:
    """Raise `Forbidden` for an API key that lacks a permission everyone else has. A key acts for its clinic, so it can
    book under fewer limits than a stranger."""
    if permission not in PUBLIC_PERMISSIONS & SCOPES or caller.administrator or permission in caller.scopes:
        return
    if caller.memberships and all(each.role is Role.PARTNER for each in caller.memberships):
        request.scope["state"][WAS_REFUSED] = True
        raise errors.Forbidden


def has_recent_proof(caller: Actor, *, now: datetime) -> bool:
    """Return whether the caller's session began, or its owner entered a credential, within the last few minutes.
    Callers without a session prove who they are with every request.
    """
    return caller.proven_at is None or caller.proven_at > now - PROOF_TTL


def check_proof(caller: Actor, *, now: datetime) -> None:
    """Raise a `proof-required` error unless the caller has recently proved who they are."""
    if not has_recent_proof(caller, now=now):
        raise errors.Forbidden("proof-required")


async def admit_system(request: litestar.Request[Actor, Any, Any]) -> None:
    """Count a request from a monitoring system or a message gateway. Neither has an account; their handlers check their
    credentials instead.
    """
    if request.method == "OPTIONS":
        return
    request.scope["user"] = caller = anonymous_caller(request)
    await services_of(request).limits.admit(request, caller, route_of(request.route_handler))


async def _grant_for(
    request: litestar.Request[Actor, Any, Any], caller: Actor, permission: str, clinic_id: int | None
) -> Grant:
    """Return the caller's grant. Raise `Unauthorized` for anonymous callers, `NotFound` for other clinics' or patients'
    data, and `Forbidden` if the caller's roles do not allow it.
    """
    grant = widest_grant(caller, permission, clinic_id)
    if grant is None:
        raise _refusal(request, caller, clinic_id)
    if grant.relation is Relation.OWN and not await _is_own(request, caller, grant, clinic_id):
        request.scope["state"][WAS_REFUSED] = True
        raise errors.Forbidden if grant.membership else errors.NotFound
    return grant


def authorize(
    request: litestar.Request[Actor, Any, Any],
    *,
    clinic_id: int,
    doctor_id: UUID | None = None,
    permission: str | None = None,
) -> Grant:
    """Authorize an action whose clinic or doctor is named only in the request's body: check that the caller has this
    permission (or the handler's) there.

    Raise the same errors as the guard.
    """
    CLINIC.set(clinic_id)
    grant = widest_grant(request.user, permission or route_of(request.route_handler).permission, clinic_id)
    if grant is None:
        raise _refusal(request, request.user, clinic_id)
    if grant.relation is Relation.OWN and grant.doctor_id != doctor_id:
        request.scope["state"][WAS_REFUSED] = True
        raise errors.Forbidden
    request.scope["state"]["clinic_id"] = clinic_id
    return grant


def _refusal(request: litestar.Request[Actor, Any, Any], caller: Actor, clinic_id: int | None) -> errors.AppointError:
    if caller.is_anyone:
        return errors.Unauthorized()
    request.scope["state"][WAS_REFUSED] = True
    if caller.outside and (clinic_id is None or {clinic_id, PLATFORM} & caller.outside):
        return errors.Forbidden("network-refused")
    if caller.unprotected and (clinic_id is None or {clinic_id, PLATFORM} & caller.unprotected):
        return errors.Forbidden("second-factor-required")
    return (
        errors.NotFound()
        if caller.memberships and clinic_id is not None and caller.membership_at(clinic_id) is None
        else errors.Forbidden()
    )


async def _is_own(
    request: litestar.Request[Actor, Any, Any], caller: Actor, grant: Grant, clinic_id: int | None
) -> bool:
    """Return whether the path parameter named by `owned_by` identifies something that belongs to the caller. Handlers
    with `narrows` filter by owner themselves.
    """
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
    if caller.appointment_id and name == "appointment_id":
        return id == caller.appointment_id
    if clinic_id is None:
        return False
    services = services_of(request)
    owners = await services.owners[name](services.db, clinic_id=clinic_id, id=id)
    if not owners:
        raise errors.NotFound
    if caller.appointment_id:
        return any(caller.appointment_id == owner.appointment_id for owner in owners)
    if grant.membership:
        return any(owner.doctor_id == grant.doctor_id for owner in owners)
    return any(caller.customer_id in (owner.customer_id, owner.booker_id) for owner in owners)


def _visible_database(db: Database, caller: Actor, permission: str, clinic_id: int | None) -> Database:
    """Return the database, limited to the people that this request may see: the clinic's people if the path names a
    clinic, everyone if it does not, and no one for a booking.

    This is a second line of defence: staff never see another clinic's people, no matter what the guard lets through or
    a statement selects.
    """
    if permission == "book":
        return db
    if caller.memberships and not caller.administrator and permission not in PUBLIC_PERMISSIONS | OF_ONESELF:
        return db.within(clinic_id if clinic_id is not None and caller.membership_at(clinic_id) else PLATFORM)
    return db.across() if clinic_id is None else db.within(clinic_id)


async def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """Return the caller that the bearer token or session cookie identifies, or an anonymous caller if there is neither.

    A bearer token is the administrator's or is looked up in one of the application's `identities`, chosen by the
    token's prefix. An invalid credential is rejected, not ignored. Anonymous callers are distinguished only by address
    and user agent.
    """
    address = address_of(connection)
    if authorization := connection.headers.get("authorization"):
        scheme, _, token = authorization.partition(" ")
        caller = await _bearer(connection, token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise errors.Unauthorized
    elif (token := connection.cookies.get(COOKIE)) and (
        caller := await services_of(connection).session_of_cookie(connection, token)
    ):
        pass  # an ended session leaves its cookie behind; treat the caller as anonymous
    else:
        return anonymous_caller(connection)
    return msgspec.structs.replace(caller, address=address, user_agent=_user_agent(connection)[:MAX_USER_AGENT])


def anonymous_caller(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """Return the caller of a request without a credential."""
    address, agent = address_of(connection), _user_agent(connection)
    digest = hashlib.sha256(f"{address or ''}\n{agent}".encode()).hexdigest()
    return Actor(ANONYMOUS_KEY_PREFIX + digest[:32], address=address, user_agent=agent[:MAX_USER_AGENT])


def _user_agent(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return connection.headers.get("user-agent", "")


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """Return the caller's network address."""
    return connection.client.host if connection.client else None


async def _bearer(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    services = services_of(connection)
    shared = services.admin_token if services.settings.shared_admin_token else ""
    if shared and hmac.compare_digest(token.encode(), shared.encode()):
        return Actor("administrator", administrator=True)
    find_caller = next((identify for prefix, identify in services.identities.items() if token.startswith(prefix)), None)
    address = address_of(connection)
    services.limits.expect_credential(address, token)
    caller = await find_caller(connection, token) if find_caller else None
    services.limits.note_credential(address, token, caller)
    return caller


def csrf_token(secret: str, token: str) -> str:
    """Return the token that pages send alongside the session cookie. Other sites cannot read it, so they cannot forge a
    request.
    """
    return hmac.digest(secret.encode(), b"csrf\n" + token.encode(), "sha256").hex()


def is_valid_csrf_token(secret: str, token: str, submitted: str) -> bool:
    return hmac.compare_digest(csrf_token(secret, token).encode(), submitted.encode())
