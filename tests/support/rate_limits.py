"""Applications with rate limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2

from support.app import client_of, composed

NINE = datetime(2027, 3, 1, 9, 0, 0, tzinfo=UTC)


@asynccontextmanager
async def limited_client(database_url: str, **changes: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client for an application with rate limits. The application is `client.app`."""
    app = composed(database_url, rate_limits=True, **changes)
    async with client_of(app, address="192.0.2.1") as client:
        client.app = app
        yield client
