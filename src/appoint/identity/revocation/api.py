"""/api/clinics/{clinicId}/users/{userId}/… and /api/users: taking access away"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...database.pool import Transaction
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from ..accounts import staff
from ..accounts.model import User
from ..sessions.model import Session
from . import repository, service
from .model import AccountFilter, ListedAccount


class UserAccess(Controller):
    """Access for a clinic's users."""

    path = "/clinics/{clinic_id:int}/users/{user_id:uuid}"
    tags = ["Users"]

    @post(
        "/disable",
        operation_id="disableUser",
        status_code=HTTP_200_OK,
        opt=route(permission="manage-access", problems=("last-manager",)),
    )
    async def disable(self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> Response[User]:
        """Disable a user's access to a clinic and end all their sessions. Takes effect immediately. Their account still
        works at other clinics.
        """
        user, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.disable_member(tx, request.user, clinic_id=clinic_id, user_id=user_id, now=clock.now()),
            lambda tx, user_id: staff.get(tx, clinic_id, user_id),
        )
        return json_response(request, user, headers=replay_headers(replayed))

    @post("/enable", operation_id="enableUser", status_code=HTTP_200_OK, opt=route(permission="manage-access"))
    async def enable(self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> Response[User]:
        """Restore a disabled user's access to a clinic."""
        user, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.enable_member(tx, request.user, clinic_id=clinic_id, user_id=user_id),
            lambda tx, user_id: staff.get(tx, clinic_id, user_id),
        )
        return json_response(request, user, headers=replay_headers(replayed))

    @get("/sessions", operation_id="listUserSessions", opt=route(permission="manage-access"))
    async def list_sessions(
        self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]
    ) -> Response[Page[Session]]:
        """List a user's sessions, oldest first."""
        sessions = await service.list_member_sessions(
            request.db,
            clinic_id=clinic_id,
            user_id=user_id,
            idle=request.services.settings.session_idle,
            now=clock.now(),
        )
        return json_response(request, Page(sessions, None), subjects=[user_id, *(session.id for session in sessions)])

    @delete(
        "/sessions",
        operation_id="signOutUser",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage-access"),
    )
    async def sign_out(self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> None:
        """End all of a user's sessions."""
        await request.db.atomic(service.sign_out_member, request.user, clinic_id=clinic_id, user_id=user_id)


class PlatformUsers(Controller):
    """All user accounts, for the platform's administrators."""

    path = "/users"
    tags = ["Users"]

    @get(operation_id="listAccounts", opt=route(permission="administer"))
    async def list(self, request: Request, query: AccountFilter) -> Response[Page[ListedAccount]]:
        """List user accounts, oldest first."""
        accounts = await repository.list_accounts(
            request.db,
            email=query.email,
            administrator=query.administrator,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        return resource_page(request, query, accounts)

    @get("/{user_id:uuid}", operation_id="getUserAccount", opt=route(permission="administer"))
    async def find(self, request: Request, user_id: FromPath[UUID]) -> Response[ListedAccount]:
        """Return a user's account."""
        return json_response(request, await service.get_account(request.db, user_id), subjects=[user_id])

    @post(
        "/{user_id:uuid}/disable",
        operation_id="disableAccount",
        status_code=HTTP_200_OK,
        opt=route(permission="administer"),
    )
    async def disable(self, request: Request, user_id: FromPath[UUID]) -> Response[ListedAccount]:
        """Disable an account at all clinics, end its sessions, and invalidate emailed links. Takes effect
        immediately."""
        return await _change_account(
            request, lambda tx: service.disable_account(tx, request.user, user_id=user_id, now=clock.now())
        )

    @post(
        "/{user_id:uuid}/enable",
        operation_id="enableAccount",
        status_code=HTTP_200_OK,
        opt=route(permission="administer"),
    )
    async def enable(self, request: Request, user_id: FromPath[UUID]) -> Response[ListedAccount]:
        """Enable a disabled account. Its password is still valid."""
        return await _change_account(request, lambda tx: service.enable_account(tx, request.user, user_id=user_id))

    @post(
        "/{user_id:uuid}/revokeAdministrator",
        operation_id="revokeAdministrator",
        status_code=HTTP_200_OK,
        opt=route(permission="administer"),
    )
    async def revoke_administrator(self, request: Request, user_id: FromPath[UUID]) -> Response[ListedAccount]:
        """Revoke a user's administrator rights and end their sessions. Their roles at clinics remain."""
        return await _change_account(
            request, lambda tx: service.revoke_administrator(tx, request.user, user_id=user_id)
        )

    @delete(
        "/{user_id:uuid}/sessions",
        operation_id="signOutAccount",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="administer"),
    )
    async def sign_out(self, request: Request, user_id: FromPath[UUID]) -> None:
        """End all of a user's sessions."""
        await request.db.atomic(service.sign_out_account, request.user, user_id=user_id)


async def _change_account(
    request: Request, change: Callable[[Transaction], Awaitable[ListedAccount]]
) -> Response[ListedAccount]:
    account, replayed = await idempotent_resource(request, None, change, service.get_account)
    return json_response(request, account, headers=replay_headers(replayed))
