"""The web application, composed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig

from . import tracing
from .absences.api import Absences
from .appointment_types.api import AppointmentTypes
from .appointments.api import Appointments
from .availability.api import AvailabilityQueries
from .bookings.api import Bookings
from .caching import ClinicCache
from .channels import pages as mailbox
from .clinics.api import Clinics
from .customers.api import Customers, Patients
from .database import migrate
from .database.pool import SERVER, connect
from .doctors.api import Doctors
from .messages.api import MessageTemplates
from .notifications import pages as unsubscribing
from .notifications.api import Notifications, report_delivery
from .providers.api import Providers
from .schedule_changes.api import ScheduleChanges
from .schedules.api import Schedules, TimeSlots
from .settings import Settings
from .slots.api import BookingSlots
from .web import docs, problems
from .web.access import guard
from .web.health import HEALTH
from .web.middleware import Observed
from .web.recording import record_look
from .web.request import BODY_BYTES, Request
from .webhooks.api import Webhooks

API = [
    Clinics,
    AppointmentTypes,
    Doctors,
    Customers,
    Patients,
    TimeSlots,
    Schedules,
    BookingSlots,
    ScheduleChanges,
    Absences,
    AvailabilityQueries,
    Appointments,
    Bookings,
    Providers,
    Notifications,
    MessageTemplates,
    Webhooks,
]
EXPOSED = ["ETag", "Location", "Link", "X-Request-ID", "Idempotent-Replayed", "Retry-After"]


def create(
    settings: Settings, *, database_url: str, admin_token: str, beside: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = ()
) -> Litestar:
    """The application on a database that is migrated; it connects when it starts. `beside` is what runs in the same process for as long."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        app.state.admin_token = admin_token
        assert settings.secret_key, "made at start"
        app.state.secret_key = settings.secret_key.get_secret_value()
        app.state.settings = settings
        app.state.identities = {}
        app.state.by_cookie = None
        migrate.newest()  # looked up now, for no request should wait for it
        if settings.otlp_endpoint:
            tracing.configure(settings.otlp_endpoint)
        app.state.db = connect(
            database_url,
            size=settings.pool_size,
            wait_seconds=settings.pool_timeout_seconds,
            statement_seconds=settings.statement_timeout_seconds,
            role=SERVER,
        )
        try:
            async with ClinicCache(settings.cache_url.get_secret_value() if settings.cache_url else None) as app.state.cache:
                yield
        finally:
            await app.state.db.close()
            await asyncio.to_thread(tracing.close)

    app = Litestar(
        [
            Router("/api", route_handlers=API, before_request=guard, after_request=record_look),
            *HEALTH,
            *docs.PAGES,
            *mailbox.PAGES,
            *unsubscribing.PAGES,
            report_delivery,
        ],
        lifespan=[lifespan, *beside],
        request_class=Request,
        exception_handlers=problems.HANDLERS,
        request_max_body_size=BODY_BYTES,
        cors_config=CORSConfig(allow_origins=settings.cors_origins, expose_headers=EXPOSED, max_age=600) if settings.cors_origins else None,
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Observed(app.asgi_handler)  # Litestar's own middleware sees no request without a route
    return app
