"""The web application, assembled from all features."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Self

from litestar import Litestar, Router

from ..audit import Refusals, record_disclosure
from ..audit.api import Audit
from ..booking import links
from ..booking.api import Appointments
from ..booking.availability.api import AvailabilityQueries, search_times_for_cells
from ..booking.bookings.api import Bookings
from ..booking.bulk.api import BulkChanges
from ..booking.confirmation.api import Confirmations
from ..booking.coupons import CouponDesks
from ..booking.day_board.service import Changes
from ..booking.finding.api import ClinicQueries, search_for_cells
from ..booking.joins.api import JoinedPatients
from ..booking.manage_links.api import ManageLinks
from ..booking.progress.api import AppointmentProgress
from ..booking.strangers.api import StrangerAppointments
from ..booking.undo.api import AppointmentUndo
from ..calls.guests.api import Guests
from ..calls.joining.api import Calls
from ..calls.recordings.api import receive_call_event
from ..calls.recordings.gateway import BlobStore, open_store
from ..calls.settings.api import ClinicCallSettings
from ..clinics.appointment_types.api import AppointmentTypes
from ..clinics.cells.api import list_clinics_for_cells
from ..clinics.cells.network import Cells
from ..clinics.cells.router import CellRouter
from ..clinics.clinics.api import Clinics
from ..clinics.doctors.api import Doctors
from ..clinics.pictures.api import Pictures
from ..clinics.queues.api import VisitorQueues
from ..clinics.queues.gate import QueueGate
from ..clinics.queues.line import Queues
from ..customers.api import Customers, Patients
from ..customers.copies.api import copy_for_cell
from ..customers.corrections.api import Corrections
from ..customers.guardians.api import Guardians, Wards
from ..database import migrate, pool
from ..database.cache_invalidation import listen_with
from ..database.pool import SERVER, Database
from ..database.zone_rules import ZoneRules
from ..http.access import admit_system, guard
from ..http.dependencies import Identify, Services
from ..http.forms import MAX_FORM_BYTES
from ..http.health import HEALTH, MetricsText, PaymentHealth
from ..http.middleware import ObservedApp
from ..http.ownership import IDS_OF_DOCTORS
from ..http.rate_limits.counters import Counters
from ..http.rate_limits.limits import Limits
from ..http.request import MAX_BODY_BYTES, Request
from ..http.routes import check_routes
from ..identity.accounts.api import Accounts, Users
from ..identity.admin_tokens import api as admin_tokens_api
from ..identity.admin_tokens.api import AdminTokens
from ..identity.admin_tokens.model import PREFIX as ADMIN_TOKEN_PREFIX
from ..identity.api_keys import api as api_keys_api
from ..identity.api_keys.model import PREFIX as API_KEY_PREFIX
from ..identity.networks.api import ClinicNetworks
from ..identity.oidc.sign_in import ProviderSignIn, page_sign_in
from ..identity.passkeys.api import Passkeys
from ..identity.revocation.api import PlatformUsers, UserAccess
from ..identity.second_factors.api import OwnRecoveryCodes
from ..identity.sessions import api as sessions_api
from ..identity.sessions.model import PREFIX as SESSION_PREFIX
from ..identity.sign_in_codes.api import SignInCodes
from ..identity.sign_in_rules.api import ClinicSignInRules
from ..integrations.doctor_directory.api import Providers
from ..integrations.webhooks.api import Webhooks
from ..kit import clock, tracing
from ..kit.cache import ClinicCache
from ..messaging.notifications.api import Notifications, report_delivery
from ..messaging.templates.api import MessageTemplates
from ..oversight.copies.api import change_customer_copy
from ..oversight.emergency_access.api import EmergencyAccesses
from ..oversight.invariants.api import Invariants
from ..oversight.lookups.api import FoundCustomers
from ..oversight.privacy.api import ExportPage, Privacy
from ..payments.billing.api import Billing
from ..payments.checkout import health as payment_health
from ..payments.checkout.api import receive_payment_event
from ..payments.checkout.gateway import Checkout
from ..payments.coupons.api import Coupons
from ..payments.coupons.desk import CouponDesk
from ..payments.dev_gateway.api import call_development_gateway
from ..payments.documents.api import InvoiceDocuments
from ..payments.invoices.api import Invoices
from ..payments.ledger.api import Ledger
from ..payments.pay_links.api import PayLinks
from ..payments.payments.api import Payments
from ..payments.policies.api import PaymentPolicies
from ..payments.receipts.api import Receipts
from ..payments.sellers.api import Sellers
from ..scheduling.absences.api import Absences
from ..scheduling.holidays.api import Holidays
from ..scheduling.hours_changes.api import ScheduleChanges
from ..scheduling.slots.api import BookingSlots
from ..scheduling.weekly_hours.api import Schedules, TimeSlots
from ..settings import Settings
from ..site import assets
from ..site.error_pages import EXCEPTION_HANDLERS, readable
from ..site.page_access import authorize_page
from ..site.pages import PAGES
from ..site.patient.export import export_page
from ..site.patient.queue import queue_page
from . import connections, timekeeping
from .cors import cors_config
from .owners import OWNERS
from .startup import read_trust

if TYPE_CHECKING:
    from ..identity.oidc.model import Trust

SYSTEM = [
    *(*HEALTH, report_delivery, receive_payment_event, receive_call_event, call_development_gateway),
    *(list_clinics_for_cells, search_for_cells, search_times_for_cells),
    *(copy_for_cell, change_customer_copy),
]
API = [
    *(Clinics, ClinicQueries, AppointmentTypes, Doctors),
    *(Pictures, VisitorQueues),
    *(Customers, FoundCustomers),
    Patients,
    Corrections,
    *(Guardians, Wards),
    JoinedPatients,
    EmergencyAccesses,
    Privacy,
    *(TimeSlots, Schedules),
    *(BookingSlots, ScheduleChanges),
    *(Absences, Holidays),
    AvailabilityQueries,
    Appointments,
    AppointmentProgress,
    BulkChanges,
    *(AppointmentUndo, Bookings),
    *(Confirmations, ManageLinks, StrangerAppointments),
    *(Billing, Invoices, InvoiceDocuments, Receipts, PayLinks, Payments, Coupons, Ledger, PaymentPolicies, Sellers),
    *(ClinicCallSettings, Calls, Guests, Providers),
    *(Notifications, MessageTemplates, Webhooks),
    *(Audit, Invariants),
    *(api_keys_api.ApiKeys, AdminTokens),
    *(Users, UserAccess),
    *(ClinicNetworks, ClinicSignInRules, PlatformUsers),
    *(Accounts, Passkeys, OwnRecoveryCodes),
    *(sessions_api.Sessions, SignInCodes),
]


class _SoleRouter(Router):
    """A router that belongs to one application. Litestar copies every router that it registers, in case others register
    it too. Here, that would take half the time needed to compose the application.
    """

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


def create(
    settings: Settings,
    *,
    database_url: str,
    admin_token: str,
    contexts: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
    connect: Callable[..., Database] = pool.connect,
    follows_database_clock: bool = False,
) -> Litestar:
    """Return the application for a migrated database, to which it connects at startup. The contexts stay open for as
    long as it runs.

    Raise `StartupError` if the identity provider's settings are invalid.
    """
    trust, gate = read_trust(settings), QueueGate(queue_page)
    router = CellRouter() if settings.cell else None

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        assert settings.secret_key, "created at startup"
        secret_key = settings.secret_key.get_secret_value()
        identities: dict[str, Identify] = {
            API_KEY_PREFIX: api_keys_api.identify,
            ADMIN_TOKEN_PREFIX: admin_tokens_api.identify,
            SESSION_PREFIX: sessions_api.identify,
            links.PREFIX: links.identify,
        }
        assets.built()
        migrate.newest()  # fills the cache, so that requests don't have to wait for it
        if settings.otlp_endpoint:
            tracing.configure(settings.otlp_endpoint)
        redis = settings.cache_url.get_secret_value() if settings.cache_url else None
        limits = Limits(settings, Counters(redis, secret_key))
        db, sessions = connections.connect(settings, database_url, connect)
        db.gathers = settings.gather_bookings
        own_connection = connect(database_url, size=1, wait_seconds=2, statement_seconds=2, role=SERVER)
        cells = Cells.of(settings, own_connection)
        queues = Queues.of(settings, secret_key, own_connection)
        replicas = connections.connect_replicas(settings, own_connection, connect)
        changes = Changes(db)
        checkout = Checkout.of(settings)
        try:
            async with (
                ClinicCache(redis, listen=listen_with(sessions), recent_seconds=settings.availability_seconds) as cache,
                AsyncExitStack() as stack,
            ):
                if follows_database_clock:
                    await stack.enter_async_context(timekeeping.following(db))
                sign_in = _openid_provider(trust, settings, identities) if trust else nullcontext(ProviderSignIn())
                app.state.services = Services(
                    settings=settings,
                    admin_token=admin_token,
                    secret_key=secret_key,
                    db=db,
                    replicas=replicas,
                    cache=cache,
                    limits=limits,
                    identities=identities,
                    session_of_cookie=sessions_api.by_cookie,
                    owners=OWNERS,
                    features={
                        ProviderSignIn: await stack.enter_async_context(sign_in),
                        Refusals: Refusals(limits.counters, clock.now),
                        Changes: changes,
                        BlobStore: open_store(settings),
                        Checkout: checkout,
                        PaymentHealth: payment_health.watch(checkout),
                        CouponDesks: CouponDesks(CouponDesk()),
                        Queues: queues,
                        **({Cells: cells} if cells else {}),
                        ExportPage: ExportPage(export_page),
                        MetricsText: MetricsText(db),
                        ZoneRules: ZoneRules(),
                    },
                )
                gate.queues = queues if queues.mode != "never" else None
                if router and cells:
                    router.cells = await stack.enter_async_context(cells.running())
                await stack.enter_async_context(queues.running())
                await stack.enter_async_context(replicas.following())
                yield
        finally:
            await changes.close()
            await checkout.aclose()
            await limits.counters.close()
            await own_connection.close()
            await db.close()
            if sessions is not db:
                await sessions.close()
            await asyncio.to_thread(tracing.close)

    app = Litestar(
        [
            _SoleRouter("/api", route_handlers=API, before_request=guard, after_request=record_disclosure),
            _SoleRouter(
                "/",
                route_handlers=PAGES,
                before_request=authorize_page,
                after_request=record_disclosure,
                request_max_body_size=MAX_FORM_BYTES,
            ),
            _SoleRouter("/", route_handlers=SYSTEM, before_request=admit_system),
        ],
        lifespan=[lifespan, *contexts],
        request_class=Request,
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=MAX_BODY_BYTES,
        cors_config=cors_config(settings.cors_origins),
        openapi_config=None,
        logging_config=None,
    )
    check_routes(app, owned_by={*OWNERS, *IDS_OF_DOCTORS})
    # Litestar's own middleware does not see requests that don't match a route.
    app.asgi_handler = ObservedApp(
        app.asgi_handler,
        seconds=settings.request_seconds,
        render=readable,
        gate=gate,
        router=router,
        cors=app.cors_config,
    )
    return app


@asynccontextmanager
async def _openid_provider(
    trust: "Trust", settings: Settings, identities: dict[str, Identify]
) -> AsyncGenerator[ProviderSignIn]:
    """Accept tokens from the identity provider, if they have an audience, and yield it for sign-in on the pages."""
    from ..identity.oidc import api as oidc_api  # noqa: PLC0415
    from ..identity.oidc.gateway import Provider  # noqa: PLC0415

    async with Provider(trust) as provider:
        if trust.audience:
            identities[oidc_api.PREFIX] = oidc_api.identify_with(provider)
        yield page_sign_in(settings, provider)
