"""Fetch and cache the OpenID provider's signing keys."""

import asyncio
import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Self

import httpx2
import structlog
from joserfc.jwk import KeySet

from ...kit.errors import Unavailable
from .model import PARSE_ERRORS, Trust, is_safe, parse_keys

log = structlog.get_logger()

FETCH_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 512 * 1024
REFRESH_AFTER: Final = timedelta(minutes=10)
"""The age at which fetching new keys starts. Requests use the current keys until it finishes."""
MAX_AGE: Final = timedelta(minutes=15)
"""The age at which requests wait for new keys, unless the last fetch failed."""
MAX_AGE_WHILE_UNREACHABLE: Final = timedelta(days=1)
"""How long keys stay valid while the provider is unreachable."""
RETRY_INTERVAL: Final = timedelta(minutes=1)
"""The minimum time between two fetches."""


class FetchError(Exception):
    """The provider is unreachable, or its response is unusable."""


class Provider:
    """An OpenID provider's keys, cached in this process. Concurrent requests share one fetch."""

    def __init__(self, trust: Trust) -> None:
        self.trust: Final = trust
        self._client: Final = httpx2.AsyncClient(
            timeout=FETCH_SECONDS, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._keys: dict[str, KeySet] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._fetching:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching
        await self._client.aclose()

    async def keys(self, kid: str, *, now: datetime) -> KeySet | None:
        """Return the keys with that id; None if the provider has none. Raise `Unavailable` if the provider is
        unreachable and the cached keys do not settle the question."""
        if (
            kid not in self._keys
            or (self._age(now) > MAX_AGE and not self._last_fetch_failed)
            or self._age(now) > MAX_AGE_WHILE_UNREACHABLE
        ):
            await self._refresh(now)
        elif self._age(now) > REFRESH_AFTER:
            self._start_fetch(now)
        if self._age(now) <= MAX_AGE_WHILE_UNREACHABLE and (keys := self._keys.get(kid)):
            return keys
        if self._last_fetch_failed:
            waited = now - self._tried_at if self._tried_at else RETRY_INTERVAL
            raise Unavailable(retry_after_seconds=max(1, int((RETRY_INTERVAL - waited).total_seconds())))
        return None

    @property
    def _last_fetch_failed(self) -> bool:
        return self._fetched_at is None or self._fetched_at != self._tried_at

    def _age(self, now: datetime) -> timedelta:
        return now - self._fetched_at if self._fetched_at else timedelta.max

    async def _refresh(self, now: datetime) -> None:
        """Fetch the provider's keys into `_keys`, unless the last fetch was too recent."""
        self._start_fetch(now)
        if self._fetching:
            await asyncio.shield(self._fetching)  # a cancelled request must not cancel the fetch for others

    def _start_fetch(self, now: datetime) -> None:
        if self._fetching is None and (self._tried_at is None or now - self._tried_at >= RETRY_INTERVAL):
            self._tried_at = now
            self._fetching = asyncio.create_task(self._fetch(now), name="openid-keys")

    async def _fetch(self, now: datetime) -> None:
        try:
            self._keys = await fetch(self._client, self.trust.issuer)
            self._fetched_at = now
        except FetchError as error:
            log.warning("openid provider unreachable", reason=str(error))
        finally:
            self._fetching = None


async def fetch(client: httpx2.AsyncClient, issuer: str) -> dict[str, KeySet]:
    """Fetch the keys that the provider publishes, by id. Raise `FetchError`."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            configuration = json.loads(await _read(client, issuer.rstrip("/") + "/.well-known/openid-configuration"))
            keys_url = configuration["jwks_uri"]
            if configuration["issuer"] != issuer:
                raise FetchError("its configuration names a different issuer")
            if not is_safe(keys_url):
                raise FetchError("the address of its keys does not use https")
            keys = parse_keys(await _read(client, keys_url))
    except TimeoutError:
        raise FetchError("it did not respond in time") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise FetchError(f"it cannot be reached: {type(error).__name__}") from None
    except PARSE_ERRORS:
        raise FetchError("its response is not a configuration with keys") from None
    if not keys:
        raise FetchError("it has no usable key")
    return keys


async def _read(client: httpx2.AsyncClient, url: str) -> bytes:
    """Read a document, up to a size limit. Does not follow redirects: only the issuer's own address is trusted."""
    content = bytearray()
    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            raise FetchError(f"it responded with {response.status_code}")
        async for part in response.aiter_raw():
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise FetchError("its response is too large")
    return bytes(content)
