"""/api/clinics/{clinicId}/apiKeys and /api/apiKeys, and authentication with a key"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.connection import ASGIConnection
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...audit import Refusals
from ...clinics.clinics import service as clinics
from ...http.dependencies import services_of
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.actors import Actor
from ...kit.structs import Page
from . import repository, service
from .model import ApiKey, ApiKeyContent, ApiKeyFilter, ApiKeyPatch, ApiKeyRotation, ApiKeyWithSecret


class ApiKeys(Controller):
    """Keys that partner systems send as bearer tokens. A key belongs to one clinic; its scopes are its permissions."""

    tags = ["API keys"]

    @get("/clinics/{clinic_id:int}/apiKeys", operation_id="listApiKeys", opt=route(permission="manage-access"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: ApiKeyFilter) -> Response[Page[ApiKey]]:
        """List a clinic's API keys, oldest first."""
        keys = await repository.list_for_clinic(
            request.db,
            clinic_id,
            active=query.active,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        if not keys:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, keys)

    @post(
        "/clinics/{clinic_id:int}/apiKeys",
        operation_id="createApiKey",
        opt=route(permission="manage-access", problems=("clinic-inactive", "too-many-api-keys"), recent_proof=True),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[ApiKeyContent]
    ) -> Response[ApiKeyWithSecret]:
        """Create an API key. Only this response contains the key; the response to a repeated request omits it."""
        key, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(tx, request.user, clinic_id=clinic_id, content=data, now=clock.now()),
            service.get_without_secret,
        )
        headers = {"Location": f"/api/apiKeys/{key.id}", **replay_headers(replayed)}
        return json_response(request, key, status_code=201, headers=headers, cache_control="no-store")

    @get("/apiKeys/{api_key_id:uuid}", operation_id="getApiKey", opt=route(permission="manage-access"))
    async def find(self, request: Request, api_key_id: FromPath[UUID]) -> Response[ApiKey]:
        """Return an API key, active or revoked."""
        return json_response(request, await service.get(request.db, api_key_id), subjects=[api_key_id])

    @patch("/apiKeys/{api_key_id:uuid}", operation_id="patchApiKey", opt=route(permission="manage-access"))
    async def patch(
        self, request: Request, api_key_id: FromPath[UUID], data: JSONBody[ApiKeyPatch]
    ) -> Response[ApiKey]:
        """Update an API key (JSON merge patch). New scopes apply from the next request that uses the key."""
        key = await request.db.atomic(
            service.change, request.user, key_id=api_key_id, change=data, if_match=request.if_match, now=clock.now()
        )
        return json_response(request, key)

    @delete(
        "/apiKeys/{api_key_id:uuid}",
        operation_id="removeApiKey",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage-access"),
    )
    async def remove(self, request: Request, api_key_id: FromPath[UUID]) -> None:
        """Revoke an API key. Takes effect immediately and cannot be undone."""
        await request.db.atomic(
            service.remove, request.user, key_id=api_key_id, if_match=request.if_match, now=clock.now()
        )

    @post(
        "/apiKeys/{api_key_id:uuid}/rotate",
        operation_id="rotateApiKey",
        status_code=HTTP_200_OK,
        opt=route(permission="manage-access", recent_proof=True),
    )
    async def rotate(
        self, request: Request, api_key_id: FromPath[UUID], data: JSONBody[ApiKeyRotation | None] = None
    ) -> Response[ApiKeyWithSecret]:
        """Replace an API key's secret. The previous one works for another day, or for the given overlap.

        Only this response contains the new key; the response to a repeated request omits it.
        """
        overlap = timedelta(minutes=(data or ApiKeyRotation()).overlap_minutes)
        key, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.rotate(tx, request.user, key_id=api_key_id, overlap=overlap, now=clock.now()),
            service.get_without_secret,
        )
        return json_response(request, key, headers=replay_headers(replayed), cache_control="no-store")


async def identify(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Actor | None:
    """Return the partner system whose key was sent as the bearer token, if any. Record the use of a key that no longer
    works.
    """
    services, now = services_of(connection), clock.now()
    caller = await service.identify(services.db, token, now=now)
    if caller is None:
        address = connection.client.host if connection.client else None
        await service.record_refusal(services.db, token, services.get(Refusals), address=address, now=now)
    return caller
