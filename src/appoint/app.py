"""The web application, composed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig

from . import tracing
from .absences import pages as away
from .absences.api import Absences
from .accounts import pages as credentials
from .accounts.api import Accounts, Users
from .api_keys import api as api_keys
from .api_keys import pages as keys
from .api_keys.model import PREFIX
from .appointment_types import pages as offering
from .appointment_types.api import AppointmentTypes
from .appointments import links
from .appointments import pages as managing
from .appointments.api import Appointments
from .audit import pages as auditing
from .audit.api import Audit
from .availability import pages as finding
from .availability.api import AvailabilityQueries
from .bookings import pages as booking
from .bookings.api import Bookings
from .caching import ClinicCache
from .channels import pages as mailbox
from .clinics import pages as founding
from .clinics.api import Clinics
from .counters import Counters
from .customers import pages as patients
from .customers.api import Customers, FoundCustomers, Patients
from .database import migrate
from .database.pool import SERVER, connect
from .day import pages as days
from .day.service import Changes
from .doctors import pages as doctoring
from .doctors.api import Doctors
from .messages import pages as words
from .messages.api import MessageTemplates
from .notifications import pages as unsubscribing
from .notifications.api import Notifications, report_delivery
from .numbers import pages as numbers
from .openid import api as openid
from .openid.gateway import Provider
from .openid.service import trusted
from .patients import pages as one_patient
from .privacy.api import Privacy
from .providers.api import Providers
from .schedule_changes import pages as scheduling
from .schedule_changes.api import ScheduleChanges
from .schedules.api import Schedules, TimeSlots
from .sessions import api as sessions
from .sessions import pages as signing_in
from .sessions.model import PREFIX as SESSION
from .settings import Settings
from .sign_in_codes import pages as coding
from .sign_in_codes.api import SignInCodes
from .slots.api import BookingSlots
from .web import assets, docs
from .web.access import guard
from .web.health import HEALTH
from .web.limits import Limits
from .web.middleware import Observed
from .web.openapi import LIMITS
from .web.pages import HANDLERS, enter
from .web.recording import record_look
from .web.request import BODY_BYTES, Request
from .webhooks import pages as webhooks
from .webhooks.api import Webhooks

API = [
    Clinics,
    AppointmentTypes,
    Doctors,
    Customers,
    FoundCustomers,
    Patients,
    Privacy,
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
    Audit,
    api_keys.ApiKeys,
    Users,
    Accounts,
    sessions.Sessions,
    SignInCodes,
]
PAGES = [
    *docs.PAGES,
    *finding.PAGES,
    *mailbox.PAGES,
    *unsubscribing.PAGES,
    *managing.PAGES,
    *credentials.PAGES,
    *signing_in.PAGES,
    *coding.PAGES,
    *days.PAGES,
    *numbers.PAGES,
    *patients.PAGES,
    *one_patient.PAGES,
    *booking.PAGES,
    *words.PAGES,
    *keys.PAGES,
    *webhooks.PAGES,
    *auditing.PAGES,
    *founding.PAGES,
    *doctoring.PAGES,
    *offering.PAGES,
    *scheduling.PAGES,
    *away.PAGES,
]
EXPOSED = ["ETag", "Location", "Link", "X-Request-ID", "Idempotent-Replayed", "Retry-After", *LIMITS]


def create(
    settings: Settings, *, database_url: str, admin_token: str, beside: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = ()
) -> Litestar:
    """The application on a database that is migrated; it connects when it starts. `beside` is what runs in the same process for as long.

    Raises `CannotStart` for a provider of identities that cannot be meant.
    """
    trust = trusted(settings)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        app.state.admin_token = admin_token
        assert settings.secret_key, "made at start"
        app.state.secret_key = settings.secret_key.get_secret_value()
        app.state.settings = settings
        app.state.identities = {PREFIX: api_keys.identify, SESSION: sessions.identify, links.PREFIX: links.identify}
        app.state.by_cookie = sessions.by_cookie
        assets.built()
        migrate.newest()  # looked up now, for no request should wait for it
        if settings.otlp_endpoint:
            tracing.configure(settings.otlp_endpoint)
        redis = settings.cache_url.get_secret_value() if settings.cache_url else None
        app.state.limits = Limits(settings, Counters(redis, app.state.secret_key))
        app.state.db = connect(
            database_url,
            size=settings.pool_size,
            wait_seconds=settings.pool_timeout_seconds,
            statement_seconds=settings.statement_timeout_seconds,
            role=SERVER,
        )
        app.state.changes = Changes(app.state.db)
        try:
            async with ClinicCache(redis) as app.state.cache, AsyncExitStack() as stack:
                if trust:
                    app.state.openid = await stack.enter_async_context(Provider(trust))
                    app.state.identities[openid.PREFIX] = openid.identify
                yield
        finally:
            await app.state.changes.close()
            await app.state.limits.counters.close()
            await app.state.db.close()
            await asyncio.to_thread(tracing.close)

    app = Litestar(
        [
            Router("/api", route_handlers=API, before_request=guard, after_request=record_look),
            Router("/", route_handlers=PAGES, before_request=enter, after_request=record_look),
            *HEALTH,
            report_delivery,
        ],
        lifespan=[lifespan, *beside],
        request_class=Request,
        exception_handlers=HANDLERS,
        request_max_body_size=BODY_BYTES,
        cors_config=CORSConfig(allow_origins=settings.cors_origins, expose_headers=EXPOSED, max_age=600) if settings.cors_origins else None,
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Observed(app.asgi_handler, seconds=settings.request_seconds)  # Litestar's own middleware sees no request without a route
    return app
