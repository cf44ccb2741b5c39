"""/api/adminTokens, and authentication with an administrator's token"""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.connection import ASGIConnection
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.dependencies import services_of
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.actors import Actor
from ...kit.structs import Page
from . import service
from .model import AdminToken, AdminTokenFilter, AdminTokenWithSecret, NewAdminToken


class AdminTokens(Controller):
    """Tokens for administering the platform. Each has a name and an expiry, so that every person and program can have
    their own, and one can be revoked without the others."""

    path = "/adminTokens"
    tags = ["Administrator tokens"]

    @get(operation_id="listAdminTokens", opt=route(permission="administer"))
    async def list(self, request: Request, query: AdminTokenFilter) -> Response[Page[AdminToken]]:
        """List administrator tokens, oldest first."""
        tokens = await service.list_tokens(
            request.db,
            active=query.active,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
            now=clock.now(),
        )
        return resource_page(request, query, tokens)

    @post(
        operation_id="createAdminToken",
        opt=route(permission="administer", problems=("too-many-admin-tokens",), recent_proof=True),
    )
    async def create(self, request: Request, data: JSONBody[NewAdminToken]) -> Response[AdminTokenWithSecret]:
        """Create an administrator token. Only this response contains it; the response to a repeated request omits
        it."""
        token, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(tx, request.user, content=data, now=clock.now()),
            service.get_without_secret,
        )
        headers = {"Location": f"/api/adminTokens/{token.id}", **replay_headers(replayed)}
        return json_response(request, token, status_code=201, headers=headers, cache_control="no-store")

    @get("/{admin_token_id:uuid}", operation_id="getAdminToken", opt=route(permission="administer"))
    async def find(self, request: Request, admin_token_id: FromPath[UUID]) -> Response[AdminToken]:
        """Return an administrator token, even an expired or revoked one."""
        return json_response(request, await service.get(request.db, admin_token_id), subjects=[admin_token_id])

    @delete(
        "/{admin_token_id:uuid}",
        operation_id="revokeAdminToken",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="administer"),
    )
    async def revoke(self, request: Request, admin_token_id: FromPath[UUID]) -> None:
        """Revoke an administrator token. Takes effect immediately and cannot be undone."""
        await request.db.atomic(service.revoke, request.user, token_id=admin_token_id, now=clock.now())


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Return the administrator whose token was sent as the bearer token, if any."""
    return await service.identify(services_of(connection).db.across(), token, now=clock.now())
