"""/api/clinics/{clinicId}/users, /api/account, /api/credentials and /api/passwordResets"""

from datetime import datetime
from typing import Final
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...database.pool import Transaction
from ...http.access import COOKIE
from ...http.idempotency.keys import idempotent
from ...http.languages import remember_choices
from ...http.pagination import cursor_after
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page, PageQuery
from ...messaging.notifications.model import LINK_TTL
from . import credentials, repository, service, staff
from .guesses import throttle_guesses
from .model import (
    Account,
    AccountPatch,
    CredentialsSet,
    NewCredentials,
    PasswordChange,
    PasswordProof,
    PasswordReset,
    PasswordResetRequest,
    TotpCode,
    TotpSetup,
    User,
    UserInvitation,
    UserPatch,
)

NO_STORE: Final = "no-store"


class Users(Controller):
    """A clinic's staff, each with a role: manager, receptionist or doctor."""

    tags = ["Users"]

    @get("/clinics/{clinic_id:int}/users", operation_id="listUsers", opt=route(permission="manage-access"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: PageQuery) -> Response[Page[User]]:
        """List a clinic's users in the order they joined."""
        users = await repository.list_for_clinic(
            request.db, clinic_id, after=cursor_after(request, query, tuple[datetime, UUID]), limit=query.limit
        )
        if not users:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, users, lambda user: (user.created_at, user.id))

    @post(
        "/clinics/{clinic_id:int}/users",
        operation_id="inviteUser",
        opt=route(permission="manage-access", problems=("clinic-inactive", "already-member")),
    )
    async def invite(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[UserInvitation]
    ) -> Response[User]:
        """Invite a user to a clinic's staff. Appoint emails them a link to choose a password, which is valid for seven
        days."""
        user, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: staff.invite(tx, request.user, clinic_id=clinic_id, content=data, now=clock.now()),
            lambda tx, user_id: staff.get(tx, clinic_id, user_id),
        )
        return created_response(request, user, f"/api/clinics/{clinic_id}/users/{user.id}", replayed=replayed)

    @get("/clinics/{clinic_id:int}/users/{user_id:uuid}", operation_id="getUser", opt=route(permission="manage-access"))
    async def find(self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> Response[User]:
        """Return one of a clinic's users."""
        return json_response(request, await staff.get(request.db, clinic_id, user_id), subjects=[user_id])

    @patch(
        "/clinics/{clinic_id:int}/users/{user_id:uuid}",
        operation_id="patchUser",
        opt=route(permission="manage-access", problems=("last-manager",)),
    )
    async def patch(
        self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID], data: JSONBody[UserPatch]
    ) -> Response[User]:
        """Update one of a clinic's users (JSON merge patch). Takes effect with their next request."""
        user = await request.db.atomic(
            staff.change, request.user, clinic_id=clinic_id, user_id=user_id, patch=data, if_match=request.if_match
        )
        return json_response(request, user)

    @delete(
        "/clinics/{clinic_id:int}/users/{user_id:uuid}",
        operation_id="removeUser",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage-access", problems=("last-manager",)),
    )
    async def remove(self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> None:
        """Remove a user from a clinic's staff. Takes effect immediately. The account remains, so they can still use it
        at other clinics."""
        await request.db.atomic(
            staff.remove, request.user, clinic_id=clinic_id, user_id=user_id, if_match=request.if_match
        )

    @post(
        "/clinics/{clinic_id:int}/users/{user_id:uuid}/invitation",
        operation_id="inviteUserAgain",
        status_code=HTTP_200_OK,
        opt=route(permission="manage-access", problems=("already-joined",)),
    )
    async def invite_again(self, request: Request, clinic_id: FromPath[int], user_id: FromPath[UUID]) -> Response[User]:
        """Send the invitation again, with a new link."""
        user, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: staff.invite_again(tx, request.user, clinic_id=clinic_id, user_id=user_id, now=clock.now()),
            lambda tx, user_id: staff.get(tx, clinic_id, user_id),
        )
        return json_response(request, user, headers=replay_headers(replayed))


class Accounts(Controller):
    """The caller's own account: details, password and authenticator (TOTP). Appoint does not store anything from a
    `POST` that contains a password. If you repeat one with the same `Idempotency-Key`, it runs again, or is refused
    because it has already taken effect."""

    tags = ["Account"]

    @get("/account", operation_id="getAccount", opt=route(permission="account"))
    async def account(self, request: Request) -> Response[Account]:
        """Return the caller's account: a user with their roles at clinics, or a patient."""
        return json_response(request, await service.get_account(request.db, request.user), subjects=[])

    @patch("/account", operation_id="patchAccount", opt=route(permission="credentials", problems=("forbidden",)))
    async def patch(self, request: Request, data: JSONBody[AccountPatch]) -> Response[Account]:
        """Update the caller's account (JSON merge patch). Patients change their customer record instead."""
        account = await request.db.atomic(service.change_account, request.user, patch=data, if_match=request.if_match)
        response = json_response(request, account)
        if COOKIE in request.cookies:
            remember_choices(response, account.locale, account.region)
        return response

    @put(
        "/account/password",
        operation_id="changePassword",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="credentials", problems=("forbidden", "link-used")),
    )
    async def change_password(self, request: Request, data: JSONBody[PasswordChange]) -> None:
        """Change the password. Ends all other sessions."""
        await throttle_guesses(
            request,
            credentials.change_password(
                request.db, request.user, current=data.current, new=data.new, if_match=request.if_match, now=clock.now()
            ),
        )

    @post(
        "/account/totp",
        operation_id="beginTotp",
        status_code=HTTP_200_OK,
        opt=route(permission="credentials", problems=("forbidden", "totp-on")),
    )
    async def begin_totp(self, request: Request, data: JSONBody[PasswordProof]) -> Response[TotpSetup]:
        """Set up an authenticator. Only this response contains its secret. Codes are not required until you confirm the
        authenticator."""
        idempotency_key(request)
        setup = await throttle_guesses(request, service.begin_totp(request.db, request.user, password=data.password))
        return json_response(request, setup, cache_control=NO_STORE)

    @post(
        "/account/totp/confirm",
        operation_id="confirmTotp",
        status_code=HTTP_200_OK,
        opt=route(permission="credentials", problems=("forbidden", "totp-on", "totp-not-begun")),
    )
    async def confirm_totp(self, request: Request, data: JSONBody[TotpCode]) -> Response[Account]:
        """Confirm that the authenticator works. From then on, signing in with a password also requires one of its
        codes, or another second factor. For the account's first second factor, this response contains the recovery
        codes; the response to a repeated request omits them."""
        account, replayed = await idempotent(
            request,
            data,
            lambda tx: service.confirm_totp(tx, request.user, code=data.code, secret=_secret(request), now=clock.now()),
            remember=lambda account: account.user_id,
            recall=lambda tx, _: service.get_account(tx, request.user),
        )
        return json_response(request, account, cache_control=NO_STORE, headers=replay_headers(replayed))

    @post(
        "/account/totp/remove",
        operation_id="removeTotp",
        status_code=HTTP_200_OK,
        opt=route(permission="credentials", problems=("forbidden",)),
    )
    async def remove_totp(self, request: Request, data: JSONBody[PasswordProof]) -> Response[Account]:
        """Remove the authenticator. Unless the account also has a passkey, signing in then requires only the
        password."""
        idempotency_key(request)
        return json_response(
            request,
            await throttle_guesses(
                request, service.remove_totp(request.db, request.user, password=data.password, now=clock.now())
            ),
        )

    @post(
        "/credentials",
        operation_id="setCredentials",
        status_code=HTTP_200_OK,
        opt=route(permission="sign-in", problems=("not-found", "link-used", "link-expired")),
    )
    async def set_credentials(self, request: Request, data: JSONBody[NewCredentials]) -> Response[CredentialsSet]:
        """Set a password using the link from an invitation or a reset. The link works once. Ends all sessions and does
        not sign the user in."""
        idempotency_key(request)
        email = await credentials.set_password_by_link(
            request.db, request.user, token=data.token, password=data.password, secret=_secret(request), now=clock.now()
        )
        await sign_in_throttle.record_success(request, account=email.lower(), now=clock.now())
        return json_response(request, CredentialsSet(email), cache_control=NO_STORE)

    @post("/passwordResets", operation_id="resetPassword", status_code=HTTP_200_OK, opt=route(permission="sign-in"))
    async def reset_password(self, request: Request, data: JSONBody[PasswordResetRequest]) -> Response[PasswordReset]:
        """Request a link to choose a new password. Appoint emails it to the user with that address. The response is the
        same even if the address is unknown."""
        await sign_in_throttle.count_attempt(request, account=data.email.lower(), now=clock.now())

        async def request_reset(tx: Transaction) -> PasswordReset:
            await credentials.request_reset(tx, request.user, email=data.email, now=clock.now())
            return RESET

        reset, replayed = await idempotent(request, data, request_reset, remember=lambda _: None, recall=_recall_reset)
        return json_response(request, reset, cache_control=NO_STORE, headers=replay_headers(replayed))


RESET: Final = PasswordReset(int(LINK_TTL["password-reset"].total_seconds()) // 60)


async def _recall_reset(_tx: Transaction, _stored: None) -> PasswordReset:
    return RESET


def _secret(request: Request) -> str:
    return request.services.secret_key
