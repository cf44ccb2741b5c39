"""A transport that makes booking requests look as if the client registered their customers."""

import json
from typing import Any
from uuid import UUID

import httpx2
from litestar import Litestar

from appoint.customers.tokens import create_token
from appoint.kit import clock

BOOKING_PATHS = ("/api/appointments", "/api/bookings")


class ProvingTransport(httpx2.ASGITransport):
    """Adds the `customerToken` to booking requests that lack one, as if the client had registered every customer.

    Tests about the token itself send `"customerToken": None` or call with `connected_client(…, proves=False)`.
    """

    def __init__(self, app: Litestar, **options: Any) -> None:
        super().__init__(app, **options)
        self.litestar = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST" and request.url.path in BOOKING_PATHS:
            request = self._with_tokens(request, await request.aread())
        return await super().handle_async_request(request)

    def _with_tokens(self, request: httpx2.Request, content: bytes) -> httpx2.Request:
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return request
        if not isinstance(body, dict):
            return request
        token = self._token_for(body)
        parts = body.get("appointments")
        tokens = [self._token_for(part) for part in parts] if isinstance(parts, list) else []
        if any(tokens):
            parts = [part | {"customerToken": each} if each else part for part, each in zip(parts, tokens, strict=True)]
            content = json.dumps(body | {"appointments": parts}).encode()
        if token:  # keeps the rest as it is, even duplicate members
            content = b'{"customerToken":"' + token.encode() + b'",' + content.lstrip()[1:]
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        return httpx2.Request(
            request.method, request.url, headers=headers, content=content, extensions=request.extensions
        )

    def _token_for(self, body: Any) -> str | None:
        if not isinstance(body, dict) or "customerToken" in body:
            return None
        try:
            customer_id = UUID(body.get("customerId"))
        except (TypeError, ValueError, AttributeError):
            return None
        return create_token(self.litestar.state.services.secret_key, customer_id, now=clock.now())
