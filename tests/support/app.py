"""The application under test."""

from functools import cache
from typing import Any

from litestar import Litestar

from appoint.database.pool import Database, connect
from appoint.server import app as application
from appoint.settings import Settings
from support.database import Pools

TOKEN = "the administrator's token"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}

POOLS: list[Pools] = []
"""Those of this worker, while its database is there."""


def settings(**changed: Any) -> Settings:
    usual = {"secret_key": "signs links in tests", "rate_limits": changed.get("mode") == "production"}
    return Settings(_env_file=None, **(usual | changed))  # pyright: ignore[reportCallIssue]  pydantic's own argument


def pooled(url: str, **options: Any) -> Database:
    """Connect like the application, but reuse the connections of the tests before on the worker's own database."""
    return POOLS[0].connect(url, **options) if POOLS else connect(url, **options)


@cache
def composed(database_url: str, **changed: Any) -> Litestar:
    """Compose the application once for each set of settings, which takes longer than most tests. It forgets its caches
    and counters whenever it starts."""
    return application.create(settings(**changed), database_url=database_url, admin_token=TOKEN, connect=pooled)
