"""The provider's own pages: where its keys are, and the keys."""

import asyncio
import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Self

import httpx2
import structlog
from joserfc.jwk import KeySet

from ...kit.errors import Unavailable
from .model import BROKEN, Trust, is_safe, keys_of

log = structlog.get_logger()

FETCH_SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 512 * 1024
FRESH: Final = timedelta(minutes=10)
"""Younger keys are as good as new; older ones are fetched again while requests go on with them."""
OLDEST: Final = timedelta(minutes=15)
"""With older keys a request waits for new ones, unless the provider was away when it was asked last."""
LASTS: Final = timedelta(days=1)
"""How long keys go on working while the provider is away."""
PAUSE: Final = timedelta(minutes=1)
"""Between two looks at what the provider has."""


class Away(Exception):
    """The provider does not answer, or nothing that is of use."""


class Provider:
    """The keys of an OpenID provider, kept in this process. All requests that wait for new ones wait for the same."""

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
        """The keys of that id; None when the provider has none. Raises `Unavailable` when that cannot be known, because
        the provider is away."""
        away = self._fetched_at is None or self._fetched_at != self._tried_at
        if kid not in self._keys or (self._age(now) > OLDEST and not away) or self._age(now) > LASTS:
            await self._look(now)
        elif self._age(now) > FRESH:
            self._begin(now)
        if self._age(now) <= LASTS and (found := self._keys.get(kid)):
            return found
        if self._fetched_at is None or self._fetched_at != self._tried_at:
            waited = now - self._tried_at if self._tried_at else PAUSE
            raise Unavailable(retry_after_seconds=max(1, int((PAUSE - waited).total_seconds())))
        return None

    def _age(self, now: datetime) -> timedelta:
        return now - self._fetched_at if self._fetched_at else timedelta.max

    async def _look(self, now: datetime) -> None:
        """Have the provider's keys, if it is not too soon to ask for them again; what comes of it is in `_keys`."""
        self._begin(now)
        if self._fetching:
            await asyncio.shield(self._fetching)  # one who leaves does not leave the others without

    def _begin(self, now: datetime) -> None:
        if self._fetching is None and (self._tried_at is None or now - self._tried_at >= PAUSE):
            self._tried_at = now
            self._fetching = asyncio.create_task(self._fetch(now), name="openid-keys")

    async def _fetch(self, now: datetime) -> None:
        try:
            self._keys = await fetch(self._client, self.trust.issuer)
            self._fetched_at = now
        except Away as error:
            log.warning("openid provider away", reason=str(error))
        finally:
            self._fetching = None


async def fetch(client: httpx2.AsyncClient, issuer: str) -> dict[str, KeySet]:
    """The keys that the provider publishes now, by their ids. Raises `Away`."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            described = json.loads(await _read(client, issuer.rstrip("/") + "/.well-known/openid-configuration"))
            place = described["jwks_uri"]
            if described["issuer"] != issuer:
                raise Away("its configuration is another issuer's")
            if not is_safe(place):
                raise Away("its keys are at an address that is not https")
            keys = keys_of(await _read(client, place))
    except TimeoutError:
        raise Away("it takes too long") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Away(f"it cannot be reached: {type(error).__name__}") from None
    except BROKEN:
        raise Away("it answers nothing that is a configuration with keys") from None
    if not keys:
        raise Away("it has no key that is of use")
    return keys


async def _read(client: httpx2.AsyncClient, url: str) -> bytes:
    """What is there, if it is not too much. Redirects are not followed: the issuer's name is what is trusted."""
    content = bytearray()
    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            raise Away(f"it answers {response.status_code}")
        async for part in response.aiter_raw():
            content += part
            if len(content) > LARGEST_ANSWER:
                raise Away("it answers more than is reasonable")
    return bytes(content)
