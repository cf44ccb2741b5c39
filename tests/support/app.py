"""The application under test, and clients for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx2
from litestar import Litestar
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from appoint.database.pool import Database, connect
from appoint.server import app as application
from appoint.settings import Settings
from support.customer_tokens import ProvingTransport
from support.database import Pools
from support.keys import KEY

TOKEN = "the administrator's token"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}

POOLS: list[Pools] = []
"""This worker's pools, while its database exists."""


class ExplicitSettings(Settings):
    """Settings that come only from arguments. Looking for each of them in the environment and in files would take most
    of the time."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **_: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings(**changes: Any) -> Settings:
    """Return settings for tests, in development mode unless `changes` name another. Environment variables and `.env`
    are ignored."""
    mode = changes.get("mode", "development")
    defaults = {
        "mode": mode,
        "secret_key": "signs links in tests",
        "encryption_keys": KEY,
        "rate_limits": mode == "production",
        "availability_seconds": 0,  # tests also change the database directly
        "queue": "never",  # it would read the database every second
    }
    return ExplicitSettings(**(defaults | changes))


def connect_pooled(url: str, **options: Any) -> Database:
    """Connect like the application, but reuse this worker's connections to its own database."""
    return POOLS[0].connect(url, **options) if POOLS else connect(url, **options)


@cache
def composed(database_url: str, **changes: Any) -> Litestar:
    """Compose the application once for each set of settings. It clears its caches and counters whenever it starts."""
    return application.create(settings(**changes), database_url=database_url, admin_token=TOKEN, connect=connect_pooled)


@asynccontextmanager
async def client_of(
    app: Litestar, *, base_url: str = "http://testserver.local", address: str = "127.0.0.1", **options: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    """Start the application and yield a client for it.

    Litestar's own test client would send concurrent requests one after another.
    """
    async with app.lifespan(), connected_client(app, base_url=base_url, address=address, **options) as client:
        yield client


def connected_client(
    app: Litestar,
    *,
    base_url: str = "http://testserver.local",
    address: str = "127.0.0.1",
    proves: bool = True,
    **options: Any,
) -> httpx2.AsyncClient:
    """Return a client that calls a running application from the given address.

    Unless `proves` is false, the client adds the `customerToken` to booking requests, as if it had registered every
    customer.
    """
    transport = (ProvingTransport if proves else httpx2.ASGITransport)(app, client=(address, 1234))
    return httpx2.AsyncClient(transport=transport, base_url=base_url, timeout=60, **options)
