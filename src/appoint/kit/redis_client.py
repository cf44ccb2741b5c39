"""Redis clients, with types for the parts that Appoint uses. Imported only if Redis is configured."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


class Subscription(Protocol):
    async def subscribe(self, channel: str, /) -> None: ...
    async def get_message(self, *, timeout: float) -> Mapping[str, Any] | None: ...  # noqa: ASYNC109  the library's
    async def ping(self) -> None: ...


class Client(Protocol):
    def pubsub(self) -> AbstractAsyncContextManager[Subscription]: ...
    async def publish(self, channel: str, message: str, /) -> int: ...
    async def aclose(self) -> None: ...


def connect(url: str, *, timeout_seconds: float) -> Client:
    """Return a client that does not retry. It connects when first used."""
    redis = cast("Any", Redis)
    return redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
