"""Our `Request`: strict bodies and queries, the caller, and the services."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, InternalServerException
from litestar.handlers import BaseRouteHandler

from ..database.cache_invalidation import announce
from ..database.pool import Database, Statements, Transaction
from ..kit import errors, ids
from ..kit.actors import Actor
from ..kit.cache import ClinicCache
from ..kit.ids import MAX_CLINIC_ID
from ..kit.permissions import Grant
from . import decoding
from .dependencies import Services
from .json_text import Malformed
from .positions import reads_current, requested_position
from .request_head import parse_cookies
from .routes import route_of

P = ParamSpec("P")
T = TypeVar("T")
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
MAX_BODY_BYTES = 64 * 1024
"""Applies unless a handler sets its own `request_max_body_size` and says why."""


class Request(litestar.Request[Actor, Any, Any]):
    """A request that decodes its body (`data`) and query (`query`) into the handler's structs, and raises
    `errors.Invalid` with all the faults it finds.
    """

    @cached_property
    def services(self) -> Services:
        """The application's services."""
        return self.app.state.services

    @property
    def db(self) -> Database:
        """The database, limited to the rows that this request may see."""
        return self.scope["state"].get("db") or self.services.db

    @cached_property
    def stale_db(self) -> Statements:
        """The database for reads whose data may be up to two seconds old, limited to the same rows as `db`. Don't use
        it to decide anything, or to check credentials.

        Callers who have just changed something still read what they have written (`positions.py`).
        """
        declared = route_of(self.route_handler)
        assert declared.page or declared.stale, "so that callers know"
        if reads_current(self.headers, self.cookies):
            return self.db.read_only()
        at_least = requested_position(self.headers)
        return self.services.replicas.reader(self.db, caller=self.user.key, at_least=at_least)

    @property
    def grant(self) -> Grant:
        """Return the scope of the caller's permission, for handlers whose permission is not open to everyone."""
        return self.scope["state"]["grant"]

    @property
    def cache(self) -> ClinicCache:
        return self.services.cache

    @property
    def if_match(self) -> str | None:
        return self.headers.get("if-match")

    @property
    def cookies(self) -> dict[str, str]:
        state = self.scope["state"]
        if "cookies" not in state:
            state["cookies"] = parse_cookies(self.scope["headers"])
        return state["cookies"]

    async def change(
        self,
        clinic_id: int,
        use_case: Callable[Concatenate[Transaction, P], Awaitable[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a use case that changes a clinic's cached data. It runs in a transaction, after which all processes drop
        the clinic from their caches.
        """

        async def change_and_announce(tx: Transaction) -> T:
            changed = await use_case(tx, *args, **kwargs)
            await announce(tx, clinic_id, sender=self.cache.name)
            return changed

        try:
            return await self.db.atomic(change_and_announce)
        finally:  # even if the response to the commit was lost, because the commit may have happened
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
        except InternalServerException:  # the caller has disconnected
            raise Malformed("is not valid JSON") from None
        if not raw and (field := self.route_handler.parsed_data_field) and not field.is_optional:
            raise Malformed("is empty")
        return raw

    @property
    def query_params(self) -> Any:
        field = self.route_handler.parsed_fn_signature.parameters.get("query")
        return decoding.query(field.annotation, self.scope["query_string"]) if field else super().query_params


GLOBAL_IDS = frozenset(
    {"customer_id", "user_id", "session_id", "code_id", "admin_token_id", "passkey_id", "guardianship_id"}
)
"""Path parameters whose ids do not belong to a clinic. All other ids contain their clinic's number."""


def clinic_of(connection: ASGIConnection[Any, Any, Any, Any]) -> int | None:
    """Return the clinic that the path names, either by its number or by the id of something it owns."""
    for name, value in connection.path_params.items():
        if name == "clinic_id":
            return value
        if isinstance(value, UUID) and name not in GLOBAL_IDS:
            return ids.clinic_of(value)
    return None


def check_address(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Check what the handler's signature does not: that a clinic's number is within bounds and has no leading zeros,
    and that an operation without parameters has no query.
    """
    clinic_id: int | None = connection.path_params.get("clinic_id")
    if clinic_id is not None and (
        not 1 <= clinic_id <= MAX_CLINIC_ID or str(clinic_id) not in connection.scope["path"].split("/")
    ):
        raise errors.NotFound
    if (
        connection.scope["query_string"]
        and not route_of(handler).page
        and "query" not in handler.parsed_fn_signature.parameters
    ):
        decoding.query(decoding.NoParameters, connection.scope["query_string"])


def idempotency_key(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """Return the SHA-256 digest of the request's `Idempotency-Key`, which is hashed because callers may put names into
    it. Raise `Invalid` for a key that is empty, too long or not visible ASCII.
    """
    key = connection.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not all("!" <= c <= "~" for c in key):
        raise errors.Invalid(errors.Fault("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
    return hashlib.sha256(key.encode()).hexdigest()
