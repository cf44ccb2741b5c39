"""Fetch and cache the OpenID provider's configuration and signing keys, and exchange codes for ID tokens."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote_plus

import httpx2
import structlog
from joserfc.jwk import KeySet

from ...kit.errors import Unavailable
from ...kit.outgoing import FAILURES, no_response
from .model import PARSE_ERRORS, Trust, is_safe, parse_keys

log = structlog.get_logger()

FETCH_SECONDS: Final = 5.0
MAX_RESPONSE_BYTES: Final = 512 * 1024
REFRESH_AFTER: Final = timedelta(minutes=10)
"""The age at which new keys are fetched. Until they arrive, requests use the current ones."""
MAX_AGE: Final = timedelta(minutes=15)
"""The age at which requests wait for new keys, unless the last fetch failed."""
MAX_AGE_WHILE_UNREACHABLE: Final = timedelta(days=1)
"""How long keys stay valid while the provider is unreachable."""
RETRY_INTERVAL: Final = timedelta(minutes=1)
"""The minimum time between two fetches."""


class FetchError(Exception):
    """The provider is unreachable, or its response is unusable."""


class CodeRefused(Exception):
    """The provider refused to exchange the code."""


class Configuration(NamedTuple):
    """The configuration that the provider publishes about itself."""

    keys: Mapping[str, KeySet]
    authorization_endpoint: str = ""
    """The provider's page for signing in. Empty if it has none, or if the page is not safe to use."""
    token_endpoint: str = ""
    takes_basic: bool = True
    """Whether clients send their secret in the `Authorization` header rather than in the body."""
    names_issuer: bool = False
    """Whether the provider's responses to the browser name it (RFC 9207)."""


class Client(NamedTuple):
    """Appoint, as the provider knows it."""

    id: str
    secret: str
    """Empty for a public client."""
    redirect_uri: str


NOTHING: Final = Configuration({})


class Provider:
    """An OpenID provider's configuration and keys, cached in this process. Concurrent requests share one fetch."""

    def __init__(self, trust: Trust) -> None:
        self.trust: Final = trust
        self._client: Final = httpx2.AsyncClient(
            timeout=FETCH_SECONDS, headers={"Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._configuration = NOTHING
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
        """Return the keys with that id; None if the provider has none. Raise `Unavailable` if this cannot be decided
        because the provider is unreachable."""
        configuration = await self._current(now, kid)
        if keys := configuration.keys.get(kid):
            return keys
        if self._last_fetch_failed:
            raise self._unavailable(now)
        return None

    async def configuration(self, *, now: datetime) -> Configuration:
        """Return the provider's configuration. Raise `Unavailable` if it is unreachable and nothing is cached, or if
        the provider does not let people sign in on its pages."""
        configuration = await self._current(now)
        if not configuration.authorization_endpoint or not configuration.token_endpoint:
            raise self._unavailable(now)
        return configuration

    async def exchange(self, code: str, *, verifier: str, client: Client, now: datetime) -> str:
        """Exchange a code for an ID token. Raise `CodeRefused`, or `Unavailable` if the provider is unreachable."""
        configuration = await self.configuration(now=now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
        }
        credentials = None
        if client.secret and configuration.takes_basic:
            credentials = quote_plus(client.id), quote_plus(client.secret)
        else:
            form |= {"client_id": client.id, **({"client_secret": client.secret} if client.secret else {})}
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                url = configuration.token_endpoint
                status, content = await _read(self._client, url, method="POST", data=form, auth=credentials)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, FetchError) as error:
            log.warning("openid provider unreachable", reason=f"token endpoint: {_reason(error)}")
            raise self._unavailable(now) from None
        if status >= 500:
            log.warning("openid provider unreachable", reason=f"token endpoint: it responded with {status}")
            raise self._unavailable(now)
        try:
            token = json.loads(content)["id_token"] if status == 200 else None
        except PARSE_ERRORS:
            token = None
        if not isinstance(token, str):
            log.warning("openid provider refused a code", status=status)
            raise CodeRefused
        return token

    async def _current(self, now: datetime, kid: str | None = None) -> Configuration:
        """Return the configuration, or an empty one if it cannot be fetched and the cached one is too old. If there is
        a `kid`, try to find its key."""
        if (
            (kid is not None and kid not in self._configuration.keys)
            or (self._age(now) > MAX_AGE and not self._last_fetch_failed)
            or self._age(now) > MAX_AGE_WHILE_UNREACHABLE
        ):
            await self._refresh(now)
        elif self._age(now) > REFRESH_AFTER:
            self._start_fetch(now)
        return self._configuration if self._age(now) <= MAX_AGE_WHILE_UNREACHABLE else NOTHING

    def _unavailable(self, now: datetime) -> Unavailable:
        waited = now - self._tried_at if self._tried_at else RETRY_INTERVAL
        return Unavailable(retry_after_seconds=max(1, int((RETRY_INTERVAL - waited).total_seconds())))

    @property
    def _last_fetch_failed(self) -> bool:
        return self._fetched_at is None or self._fetched_at != self._tried_at

    def _age(self, now: datetime) -> timedelta:
        return now - self._fetched_at if self._fetched_at else timedelta.max

    async def _refresh(self, now: datetime) -> None:
        """Fetch the provider's configuration, unless the last fetch was too recent."""
        self._start_fetch(now)
        if self._fetching:
            await asyncio.shield(self._fetching)  # a cancelled request must not cancel the fetch for others

    def _start_fetch(self, now: datetime) -> None:
        if self._fetching is None and (self._tried_at is None or now - self._tried_at >= RETRY_INTERVAL):
            self._tried_at = now
            self._fetching = asyncio.create_task(self._fetch(now), name="openid-keys")

    async def _fetch(self, now: datetime) -> None:
        try:
            self._configuration = await fetch(self._client, self.trust.issuer)
            self._fetched_at = now
        except FetchError as error:
            log.warning("openid provider unreachable", reason=str(error))
        finally:
            self._fetching = None


async def fetch(client: httpx2.AsyncClient, issuer: str) -> Configuration:
    """Fetch the provider's configuration and keys. Raise `FetchError`."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            document = json.loads(await _get(client, issuer.rstrip("/") + "/.well-known/openid-configuration"))
            keys_url = document["jwks_uri"]
            if document["issuer"] != issuer:
                raise FetchError("its configuration names a different issuer")
            if not is_safe(keys_url):
                raise FetchError("the address of its keys does not use https")
            configuration = _configuration(document, parse_keys(await _get(client, keys_url)))
    except TimeoutError:
        raise FetchError("it did not respond in time") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise FetchError(_reason(error)) from None
    except PARSE_ERRORS:
        raise FetchError("its response is not a configuration with keys") from None
    if not configuration.keys:
        raise FetchError("it has no usable key")
    return configuration


def _reason(error: Exception) -> str:
    """Return why a request failed, without the address."""
    for each in (error.__cause__, error):
        if isinstance(each, FAILURES):
            return f"it {no_response(each)}"
    return str(error) if isinstance(error, FetchError) else f"it cannot be reached: {type(error).__name__}"


def _configuration(document: Mapping[str, Any], keys: Mapping[str, KeySet]) -> Configuration:
    return Configuration(
        keys,
        _safe_url(document.get("authorization_endpoint")),
        _safe_url(document.get("token_endpoint")),
        "client_secret_basic" in document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]),
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _safe_url(value: Any) -> str:
    return value if isinstance(value, str) and is_safe(value) else ""


async def _get(client: httpx2.AsyncClient, url: str) -> bytes:
    status, content = await _read(client, url)
    if status != 200:
        raise FetchError(f"it responded with {status}")
    return content


async def _read(
    client: httpx2.AsyncClient,
    url: str,
    *,
    method: str = "GET",
    data: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> tuple[int, bytes]:
    """Send a request. Return the status and the body, up to a size limit. Does not follow redirects: only the issuer's
    own addresses are trusted."""
    content = bytearray()
    async with client.stream(method, url, data=data, auth=auth) as response:
        async for part in response.aiter_raw():
            content += part
            if len(content) > MAX_RESPONSE_BYTES:
                raise FetchError("its response is too large")
        return response.status_code, bytes(content)
