"""The web application, composed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router

from .caching import ClinicCache
from .clinics.api import Clinics
from .database.pool import connect
from .settings import Settings
from .web import problems
from .web.request import Request, guard

API = [Clinics]


def create(settings: Settings, *, database_url: str, admin_token: str) -> Litestar:
    """The application on a database that is migrated; it connects when it starts."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.admin_token = admin_token
        app.state.settings = settings
        app.state.cache = ClinicCache(settings.cache_url.get_secret_value() if settings.cache_url else None)
        app.state.db = await connect(
            database_url, size=settings.pool_size, wait_seconds=settings.pool_timeout_seconds, statement_seconds=settings.statement_timeout_seconds
        )
        yield
        await app.state.db.close()

    return Litestar(
        [Router("/api", route_handlers=API, guards=[guard])],
        lifespan=[lifespan],
        request_class=Request,
        exception_handlers=problems.HANDLERS,
        request_max_body_size=1024 * 1024,
        openapi_config=None,
        logging_config=None,
    )
