"""/api/account/passkeys"""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...http.etags import check
from ...http.idempotency.keys import idempotent
from ...http.request import Request, idempotency_key
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import service
from .model import NewPasskey, Passkey, PasskeyCreation, PasskeyPatch
from .requests import party_of


class Passkeys(Controller):
    """The caller's passkeys (WebAuthn). A passkey signs its user in without a password, and counts as both factors,
    because authenticators verify their user's identity."""

    path = "/account/passkeys"
    tags = ["Account"]

    @get(operation_id="listPasskeys", opt=route(permission="credentials"))
    async def list(self, request: Request) -> Response[Page[Passkey]]:
        """List the caller's passkeys, oldest first."""
        passkeys = await service.list_own(request.db, request.user)
        return json_response(request, Page(passkeys, None), subjects=[passkey.id for passkey in passkeys])

    @post(
        "/options",
        operation_id="beginPasskey",
        status_code=HTTP_200_OK,
        opt=route(permission="credentials", problems=("forbidden",), recent_proof=True),
    )
    async def begin(self, request: Request) -> Response[PasskeyCreation]:
        """Return the options that a browser needs to create a passkey."""
        idempotency_key(request)
        creation = await service.begin_registration(request.db, request.user, party=party_of(request), now=clock.now())
        return json_response(request, creation, cache_control="no-store")

    @post(
        operation_id="registerPasskey",
        opt=route(
            permission="credentials", problems=("forbidden", "passkey-exists", "too-many-passkeys"), recent_proof=True
        ),
    )
    async def register(self, request: Request, data: JSONBody[NewPasskey]) -> Response[Passkey]:
        """Add a passkey that the browser has created. From then on, signing in with a password also requires a second
        factor. For the account's first second factor, this response contains the recovery codes; the response to a
        repeated request omits them."""
        passkey, replayed = await idempotent(
            request,
            data,
            lambda tx: service.register(tx, request.user, content=data, party=party_of(request), now=clock.now()),
            remember=lambda passkey: passkey.id,
            recall=lambda tx, stored_id: service.get(tx, request.user, UUID(stored_id)),
        )
        headers: dict[str, Any] = {"Location": f"/api/account/passkeys/{passkey.id}", **replay_headers(replayed)}
        return json_response(request, passkey, status_code=201, headers=headers, cache_control="no-store")

    @get("/{passkey_id:uuid}", operation_id="getPasskey", opt=route(permission="credentials"))
    async def find(self, request: Request, passkey_id: FromPath[UUID]) -> Response[Passkey]:
        """Return one of the caller's passkeys."""
        return json_response(request, await service.get(request.db, request.user, passkey_id), subjects=[passkey_id])

    @patch("/{passkey_id:uuid}", operation_id="patchPasskey", opt=route(permission="credentials"))
    async def patch(
        self, request: Request, passkey_id: FromPath[UUID], data: JSONBody[PasskeyPatch]
    ) -> Response[Passkey]:
        """Rename one of the caller's passkeys (JSON merge patch)."""
        await self._check_version(request, passkey_id)
        passkey = await request.db.atomic(service.change, request.user, passkey_id=passkey_id, patch=data)
        return json_response(request, passkey)

    @delete(
        "/{passkey_id:uuid}",
        operation_id="removePasskey",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="credentials", problems=("forbidden",), recent_proof=True),
    )
    async def remove(self, request: Request, passkey_id: FromPath[UUID]) -> None:
        """Remove one of the caller's passkeys. If it was the account's last second factor, signing in requires only the
        password again, and the recovery codes become invalid."""
        await self._check_version(request, passkey_id)
        await request.db.atomic(service.remove, request.user, passkey_id=passkey_id, now=clock.now())

    async def _check_version(self, request: Request, passkey_id: UUID) -> None:
        if request.if_match is not None:
            passkey = await service.get(request.db, request.user, passkey_id)
            check(request.if_match, passkey.version)
