"""The request as Appoint reads it: strict bodies and queries, and who is asking."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, InternalServerException
from litestar.handlers import BaseRouteHandler

from .. import errors
from ..caching import ClinicCache
from ..callers import Caller
from ..database.pool import Database, Transaction
from ..ids import LARGEST_CLINIC
from . import decoding

P = ParamSpec("P")
T = TypeVar("T")
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
BODY_BYTES = 1024 * 1024
OPEN = frozenset({"public", "book", "register"})
"""Permissions that anyone has, until roles say more."""


class Request(litestar.Request[Caller, Any, Any]):
    """Bodies (`data`) and queries (`query`) become the structs that a handler asks for, or `errors.Invalid` with all their faults."""

    @property
    def db(self) -> Database:
        return self.app.state.db

    @property
    def cache(self) -> ClinicCache:
        return self.app.state.cache

    @property
    def if_match(self) -> str | None:
        return self.headers.get("if-match")

    async def change(self, clinic_id: int, use_case: Callable[Concatenate[Transaction, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use case that changes what is cached of a clinic: in a transaction, and the cache forgets the clinic afterwards."""
        try:
            return await self.db.atomic(use_case, *args, **kwargs)
        finally:  # also when the answer to the commit was lost: it may have happened
            await self.cache.drop(clinic_id)

    async def json(self) -> Any:
        content_type = self.content_type[0]
        if content_type != JSON and not (content_type == MERGE_PATCH and self.method == "PATCH"):
            raise HTTPException(status_code=415)
        field = self.route_handler.parsed_data_field
        assert field, "only handlers with a body read one"
        return decoding.body(field.annotation, await self.body())

    async def body(self) -> bytes:
        try:
            raw = await super().body()
        except InternalServerException:  # the caller has gone; nobody reads the answer
            raise decoding.Malformed("is not JSON") from None
        if not raw and (field := self.route_handler.parsed_data_field) and not field.is_optional:
            raise decoding.Malformed("is empty")
        return raw

    @property
    def query_params(self) -> Any:
        field = self.route_handler.parsed_fn_signature.parameters.get("query")
        return decoding.query(field.annotation, self.scope["query_string"]) if field else super().query_params


async def guard(request: litestar.Request[Caller, Any, Any]) -> None:
    """Who may call: every handler names its permission in one word (`opt={"permission": …}`).

    Asked before each request. One of Litestar's own guards would do, but for each the whole handler is copied first.
    """
    if request.method == "OPTIONS":  # the framework answers, with the methods that there are
        return
    handler = request.route_handler
    caller = identify(request)
    if handler.opt["permission"] not in OPEN and not caller.administrator:
        raise errors.Unauthorized
    request.scope["user"] = caller
    check_address(request, handler)


def check_address(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """What a handler's own parameters do not say: a clinic's number is small and is written in one way, and an operation without parameters takes none."""
    clinic_id: int | None = connection.path_params.get("clinic_id")
    if clinic_id is not None and (not 0 <= clinic_id <= LARGEST_CLINIC or str(clinic_id) not in connection.scope["path"].split("/")):
        raise errors.NotFound
    if connection.scope["query_string"] and "query" not in handler.parsed_fn_signature.parameters:
        decoding.query(decoding.Nothing, connection.scope["query_string"])


def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The administrator by bearer token; anyone else is told apart by address and agent only. A token that is wrong is refused, not ignored."""
    if authorization := connection.headers.get("authorization"):
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), connection.app.state.admin_token.encode()):
            return Caller("administrator", administrator=True)
        raise errors.Unauthorized
    address = connection.client.host if connection.client else ""
    agent = connection.headers.get("user-agent", "")
    return Caller("open:" + hashlib.sha256(f"{address}\n{agent}".encode()).hexdigest()[:32])


def idempotency_key(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The request's `Idempotency-Key`. Raises `Invalid` for one that is empty, too long or not visible ASCII."""
    key = connection.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not all("!" <= c <= "~" for c in key):
        raise errors.Invalid(errors.Fault("Idempotency-Key", "must have 1 to 255 visible ASCII characters"))
    return key
